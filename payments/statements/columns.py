"""Which of a file's columns is which of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

NO_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Column:
    """One of ours: what staff see, and the names that files give it, in English and Swahili."""

    name: str
    label: str
    names: tuple[str, ...]


COLUMNS = (
    Column(
        "receipt",
        "Receipt",
        (
            "receipt no", "receipt", "receipt number", "transaction id", "txn id", "trans id",
            "airtel money id", "reference id", "namba ya risiti", "risiti", "namba ya muamala",
            "kumbukumbu ya muamala",
        ),
    ),
    Column(
        "completed_at",
        "Time",
        (
            "completion time", "completed at", "transaction date and time", "transaction time",
            "transaction date", "date and time", "date", "time", "muda wa kukamilika",
            "tarehe na muda", "tarehe", "muda",
        ),
    ),
    Column(
        "status", "Status", ("transaction status", "status", "hali ya muamala", "hali"),
    ),
    Column(
        "paid_in",
        "Paid in",
        (
            "paid in", "credit", "credit amount", "money in", "amount received", "kilichoingia",
            "fedha zilizoingia", "kiasi kilichoingia", "iliyoingia",
        ),
    ),
    Column(
        "withdrawn",
        "Withdrawn",
        (
            "withdrawn", "debit", "debit amount", "money out", "paid out", "kilichotoka",
            "fedha zilizotoka", "kiasi kilichotoka", "iliyotoka",
        ),
    ),
    Column("amount", "Amount, signed", ("amount", "transaction amount", "amount tzs", "kiasi")),
    Column(
        "balance",
        "Balance",
        ("balance", "running balance", "balance after", "closing balance", "salio"),
    ),
    Column(
        "reason",
        "Kind",
        (
            "reason type", "transaction type", "type", "service type", "service name",
            "aina ya muamala", "aina",
        ),
    ),
    Column("details", "Details", ("details", "description", "narration", "remarks", "maelezo")),
    Column(
        "party",
        "Other party",
        (
            "other party info", "opposite party", "other party", "sender", "payer", "customer name",
            "mhusika", "mlipaji", "mteja",
        ),
    ),
    Column(
        "msisdn",
        "Phone",
        (
            "msisdn", "phone", "phone number", "mobile number", "sender msisdn", "payer msisdn",
            "simu", "namba ya simu",
        ),
    ),
    Column(
        "linked_receipt",
        "Linked receipt",
        (
            "linked transaction id", "original transaction id", "original receipt",
            "muamala uliounganishwa",
        ),
    ),
    Column(
        "reference",
        "Our reference",
        (
            "a c no", "account no", "account number", "bill reference", "bill ref number",
            "reference", "reference number", "kumbukumbu", "namba ya kumbukumbu",
        ),
    ),
    Column("currency", "Currency", ("currency", "sarafu")),
    Column(
        "account",
        "Till",
        ("short code", "shortcode", "till", "till number", "paybill", "biller code"),
    ),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}
ALWAYS = ("receipt", "completed_at")
MONEY = ("amount", "paid_in", "withdrawn")  # one of them


@dataclass(frozen=True, slots=True)
class FileMapping:
    """A profile in plain values: for each of our columns the names that its files may give it."""

    columns: Mapping[str, Sequence[str]]
    dates: str = ""

    def places(self, header: Sequence[str]) -> dict[str, int] | None:
        """Where each of our columns is; None for a row that is not this profile's header."""
        written = [plain(name) for name in header]
        found = {
            ours: written.index(name)
            for ours, names in self.columns.items()
            if (name := next((n for n in map(plain, names) if n in written), None)) is not None
        }
        return found if is_enough(found) else None


def is_enough(columns: Mapping[str, object]) -> bool:
    """Whether rows can be read by these columns."""
    return all(name in columns for name in ALWAYS) and any(name in columns for name in MONEY)


def guess(header: Sequence[str]) -> dict[str, str]:
    """For each of our columns that a header seems to have, its name there. Staff correct it."""
    written = {plain(name): name for name in reversed(header) if name.strip()}
    guessed: dict[str, str] = {}
    for column in COLUMNS:
        names = (written[name] for name in column.names if name in written)
        if (name := next((n for n in names if n not in guessed.values()), None)) is not None:
            guessed[column.name] = name
    if "paid_in" in guessed or "withdrawn" in guessed:
        guessed.pop("amount", None)
    return guessed


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """`A/C No.` → `a c no`: capitals, dots and blanks differ between exports of one portal."""
    return NO_LETTERS.sub(" ", name.casefold()).strip()
