"""What a delivery report says, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Delivery(StrEnum):
    """Whether a message is on the phone, as far as anybody told; the last two are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`reference` is what the channel called the message when it accepted it, `word` its own word."""

    reference: str
    word: str
    reason: str
    delivery: Delivery
    is_unwanted: bool = False  # its reader has told the channel so


def text_of(value: object) -> str:
    """A string, or a whole number as one, without outer spaces; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()
