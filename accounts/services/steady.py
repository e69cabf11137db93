"""The same waiting time, whether or not there was work to do: it tells nobody who has an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

SECONDS = 0.2  # several times as long as the work lasts


@contextmanager
def steady_time() -> Iterator[None]:
    """Ends no sooner than `SECONDS` after its begin, also by an exception."""
    end = monotonic() + SECONDS
    try:
        yield
    finally:
        sleep(max(0, end - monotonic()))
