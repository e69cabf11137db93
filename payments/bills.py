"""Whose money a bill is: what its reference means is known to the apps that gave it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What a reference stands for. `name` is shown to whoever types it: no more than a short name.

    With no `subject` only the customer is known, and the money becomes credit. `amount` (TZS) is what
    the subject costs; None where any amount will do.
    """

    payer_id: int
    name: str
    subject: str = ""
    amount: int | None = None


Resolver = Callable[[str], Payable | None]


class Payables:
    """An ordered list of resolvers, registered in `apps.py`; the first that knows a reference answers.

    They read only, may be asked in a transaction, and take the reference as the customer typed it.
    """

    def __init__(self) -> None:
        self._resolvers: list[Resolver] = []

    def register(self, resolver: Resolver) -> None:
        """Add a resolver; registering the same one again changes nothing."""
        if resolver not in self._resolvers:
            self._resolvers.append(resolver)

    def named(self, reference: str) -> Payable | None:
        """What the reference stands for; None when nobody knows it."""
        typed = reference.strip()
        found = (resolver(typed) for resolver in self._resolvers if typed)
        return next((payable for payable in found if payable is not None), None)

    @contextmanager
    def temporarily(self, resolver: Resolver) -> Iterator[None]:
        """Add a resolver for the length of a `with` block."""
        self._resolvers.append(resolver)
        try:
            yield
        finally:
            self._resolvers.remove(resolver)


payables = Payables()
