"""An owner's statement as PDF. Whoever imports this waits for Pillow and fontTools: only its door does."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.conf import settings

from bundles.owner_statement import HEADER, Statement
from common.paper import Paper

TITLE = "Statement of earnings"
WIDTHS = (30, 45, 45, 22, 24, 24)


def pdf_of(statement: Statement, name: str) -> bytes:
    """The whole statement on pages of A4."""
    paper = Paper(TITLE)
    paper.heading(TITLE)
    days = f"{statement.first:%d.%m.%Y} to {statement.last:%d.%m.%Y}"
    balances = f"{statement.opening:,} TZS before, {statement.closing:,} TZS after"
    paper.rows([("Owner", name), ("Days", days), ("Balance", balances)], widths=(40, 150))
    paper.heading("Lines")
    paper.rows(list(_rows(statement)), widths=WIDTHS, head=HEADER)
    return bytes(paper.output())


def _rows(statement: Statement) -> Iterator[tuple[str, ...]]:
    zone = ZoneInfo(settings.BUSINESS_TIME_ZONE)
    for line in statement.lines:
        yield (
            f"{line.at.astimezone(zone):%d.%m.%Y %H:%M}",
            line.what,
            line.memo,
            f"{line.held:+,}" if line.held else "",
            f"{line.payable:+,}" if line.payable else "",
            f"{line.balance:,}",
        )
