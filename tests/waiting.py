"""Waiting for a condition, never for luck."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

Found = TypeVar("Found")

LOOK_EVERY_SECONDS = 0.05


def wait_until(
    look: Callable[[], Found | None], seconds: float, *, every: float = LOOK_EVERY_SECONDS
) -> Found:
    """The first true value that `look` returns. Raises AssertionError after that many seconds."""
    deadline, pause = monotonic() + seconds, Event()
    while not (found := look()):
        assert monotonic() < deadline, f"not within {seconds} s; the last look gave {found!r}"
        pause.wait(every)
    return found


def holds_for(look: Callable[[], object], seconds: float) -> None:
    """Look again and again for that many seconds. Raises AssertionError as soon as it is false."""
    deadline, pause = monotonic() + seconds, Event()
    while monotonic() < deadline:
        assert look(), "did not stay true"
        pause.wait(LOOK_EVERY_SECONDS)
