"""The M-Pesa portal's statement of a day, line by line, with a balance that follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payments.tests.statement_files import HEADER, row


@dataclass
class Portal:
    """An account's statement as it grows; each line is two minutes after the one before."""

    balance: int
    at: datetime  # in EAT, as written
    rows: list[list[str]] = field(default_factory=list)

    def line(self, receipt: str, amount: int, *, written: str = "", **cells: str) -> list[str]:
        """A line that moved `amount`, signed; `written` where the file has it otherwise."""
        self.at += timedelta(minutes=2)
        self.balance += amount
        told = written or f"{amount:,}.00"
        line = row(
            1,
            **{
                "Receipt No.": receipt,
                "Completion Time": f"{self.at:%Y-%m-%d %H:%M:%S}",
                "Initiation Time": f"{self.at:%Y-%m-%d %H:%M:%S}",
                "Details": "",
                "Paid In": told if amount > 0 else "",
                "Withdrawn": told if amount < 0 else "",
                "Balance": f"{self.balance:,}.00",
                "Other Party Info": "",
                "A/C No.": "",
                **cells,
            },
        )
        self.rows.append(line)
        return line


def told_otherwise(rows: list[list[str]], receipt: str, **cells: str) -> list[list[str]]:
    """The same rows, but for what a receipt's says."""
    return [
        [cells.get(name, cell) for name, cell in zip(HEADER, each, strict=True)]
        if each[0] == receipt
        else each
        for each in rows
    ]
