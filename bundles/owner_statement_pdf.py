"""An owner's statement as PDF. Whoever imports this waits for Pillow and fontTools: only its door does."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from bundles.owner_statement import Statement, header
from common.paper import Paper

WIDTHS = (28, 43, 43, 27, 25, 24)


def pdf_of(statement: Statement, name: str) -> bytes:
    """The whole statement on pages of A4."""
    title = _("Statement of earnings")
    paper = Paper(title)
    paper.heading(title)
    days = f"{statement.first:%d.%m.%Y} - {statement.last:%d.%m.%Y}"
    balances = _("TZS {opening:,} before, TZS {closing:,} after").format(
        opening=statement.opening, closing=statement.closing
    )
    facts = [(_("Owner"), name), (_("Days"), days), (_("Balance"), balances)]
    paper.rows(facts, widths=(40, 150))
    paper.heading(_("Lines"))
    paper.rows(list(_rows(statement)), widths=WIDTHS, head=header())
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
