"""One way of sending a message, and how a sending may end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class NotAccepted(Exception):
    """The channel certainly did not send the message; `permanent` when trying again is useless."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Unreachable(NotAccepted):
    """No connection was made."""


class HeldBack(NotAccepted):
    """We did not try: the channel failed for everybody a moment ago."""


class OutOfCredit(NotAccepted):
    """Our account with the channel is used up; it sends again once staff have topped it up."""


class TurnedAway(NotAccepted):
    """The channel's own way to the phone refused it: once more, or by another channel (fact sheet, 8)."""


class Unwanted(NotAccepted):
    """Whoever has the phone has told the channel to send nothing to it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class Misconfigured(NotAccepted):
    """Our account with the channel is wrong; the same will happen to every message until staff act."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


# What the channel would answer to any message: another may send this one, for nothing went out.
TROUBLE_OF_THE_CHANNEL = (Unreachable, HeldBack, OutOfCredit, TurnedAway, Misconfigured)


class InDoubt(Exception):
    """The message may have gone out."""


class Asked(Protocol):
    """A channel that can be asked what became of a message."""

    def told_of(self, *, to: str, reference: str) -> list[Mapping[str, Any]]:
        """The reports there are on a message that it accepted. Raises NotAccepted, InDoubt."""
        ...


@dataclass(frozen=True, slots=True)
class Credit:
    """What is left of our account with a channel, in `SMS` or a currency."""

    amount: float
    unit: str


class Prepaid(Protocol):
    """A channel that is paid beforehand and tells what is left."""

    def credit(self) -> Credit:
        """Raises NotAccepted, InDoubt."""
        ...


class Channel(Protocol):
    name: str

    def send(self, *, to: str, text: str, subject: str) -> str:
        """Send a text to an E.164 number or an e-mail address; an SMS has no subject.

        Returns what the channel's delivery reports will call it, or "". Raises NotAccepted, InDoubt.
        """
        ...
