"""Waiting for a condition, never for luck."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

Found = TypeVar("Found")

LOOK_EVERY_SECONDS = 0.05
SLOW_MACHINE = 4  # times as long as usual; where the condition comes, it costs nothing
LOOKS_MIN = 20  # a machine that stalls does nothing meanwhile, nor does it look


def wait_until(
    look: Callable[[], Found | None], seconds: float, *, every: float = LOOK_EVERY_SECONDS
) -> Found:
    """The first true value that `look` returns; it should be there after that many seconds.

    Raises AssertionError after that time on a slow machine.
    """
    return comes_within(look, seconds * SLOW_MACHINE, every=every)


def comes_within(
    look: Callable[[], Found | None], seconds: float, *, every: float = LOOK_EVERY_SECONDS
) -> Found:
    """The same where the time itself was promised, and `look` is quick.

    Raises AssertionError after that many seconds, but not before it has looked often.
    """
    deadline, looks, pause = monotonic() + seconds, 1, Event()
    while not (found := look()):
        is_late = monotonic() >= deadline and looks >= LOOKS_MIN
        assert not is_late, f"not within {seconds} s; the last look gave {found!r}"
        pause.wait(every)
        looks += 1
    return found


def holds_for(look: Callable[[], object], seconds: float) -> None:
    """Look again and again for that many seconds. Raises AssertionError as soon as it is false."""
    deadline, pause = monotonic() + seconds, Event()
    while monotonic() < deadline:
        assert look(), "did not stay true"
        pause.wait(LOOK_EVERY_SECONDS)
