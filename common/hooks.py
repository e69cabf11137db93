"""A fact that one app tells and apps above it act on, without the first importing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Fact = TypeVar("Fact")


class Hook(Generic[Fact]):
    """An ordered list of functions, registered in `apps.py` and called in that order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._handlers: list[Callable[[Fact], None]] = []

    def register(self, handler: Callable[[Fact], None]) -> None:
        """Add a handler; registering the same one again changes nothing."""
        if handler not in self._handlers:
            self._handlers.append(handler)

    def notify(self, fact: Fact) -> None:
        """Call every handler. The first exception stops the rest and reaches the caller."""
        for handler in self._handlers:
            handler(fact)

    @contextmanager
    def temporarily(self, handler: Callable[[Fact], None]) -> Iterator[None]:
        """Add a handler for the length of a `with` block."""
        self._handlers.append(handler)
        try:
            yield
        finally:
            self._handlers.remove(handler)
