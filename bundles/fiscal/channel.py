"""The interface of a fiscal channel. No Django in it: a channel speaks in plain values.

Unlike money, a document is sent again until the tax office has it: its number makes a repeat harmless.
So each channel keeps its own policy of what is unknown and what is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SaleLine:
    """`amount` is TZS, tax contained; `tax_class` is a name, which each channel has its code for."""

    id: str
    text: str
    quantity: int
    amount: int
    tax_class: str


@dataclass(frozen=True, slots=True)
class Sale:
    """What was sold. `reference` is ours and unique; `total` is TZS and what the lines sum to."""

    device: str
    reference: str
    issued_at: datetime
    buyer_name: str
    buyer_phone: str
    lines: tuple[SaleLine, ...]
    method: str
    total: int


@dataclass(frozen=True, slots=True)
class Document:
    """What is sent: the bytes never change. What is not known before sending is empty."""

    body: bytes
    number: str = ""
    verification_code: str = ""
    qr_url: str = ""


class Result(StrEnum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the tax office has it from an earlier sending
    REJECTED_CONFIG = "rejected_config"
    REJECTED_DATA = "rejected_data"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a sending, and the raw answer; numbers where the tax office gives them."""

    result: Result
    raw: str = ""
    number: str = ""
    verification_code: str = ""
    qr_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    owns_numbers: bool = False
    number_known_before_submit: bool = False
    needs_strict_order: bool = False
    needs_day_close: bool = False
    idempotent_by_reference: bool = False
    supports_correction: bool = False


class Channel(Protocol):
    """One way to the tax office, or none."""

    name: str
    capabilities: Capabilities

    def prepare(self, sale: Sale) -> Document | None:
        """Number and freeze what is to be sent, locally; None where nobody wants a receipt.

        Called once for a sale, in the transaction that keeps the document.
        """

    def submit(self, document: Document) -> Reply:
        """Send it, outside any transaction."""

    def status(self, document: Document) -> Reply | None:
        """What the tax office knows of it; None where it cannot be asked."""

    def close_day(self, device: str, day: date) -> Document | None:
        """The day's own document, where `needs_day_close`."""

    def register(self, device: str) -> None:
        """Make a device known to the tax office."""

    def check_health(self, device: str) -> Sequence[str]:
        """What troubles it, in sentences."""
