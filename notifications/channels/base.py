"""One way of sending an SMS."""

from __future__ import annotations

from typing import Protocol


class NotAccepted(Exception):
    """The channel certainly did not send the message; `permanent` when trying again is useless."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Channel(Protocol):
    name: str

    def send(self, *, to: str, text: str) -> None:
        """Send a text to an E.164 number. Raises NotAccepted."""
        ...
