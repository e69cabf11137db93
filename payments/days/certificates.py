"""A day's certificate in words and numbers: what its page, its PDF and its CSV tell."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.conf import settings

from common.exports import Cell
from payments.days.differences import WORDS
from payments.days.figures import Figures
from payments.models import Bucket, Certificate, Match, StatementLine

Row = tuple[str, ...]
BY = {
    "certificate": "the day before",
    "before": "the line before",
    "statement": "the first line",
    "ledger": "the ledger, for want of a balance",
}


def facts(certificate: Certificate) -> list[Row]:
    """Who, when, what: pairs of a name and a value."""
    row = certificate.day_close
    at = certificate.closed_at.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE))
    return [
        ("Provider", row.get_provider_display()),
        ("Account", row.get_kind_display()),
        ("Business day", f"{row.day:%d.%m.%Y}"),
        ("Version", str(certificate.version)),
        ("Closed by", str(certificate.closed_by)),
        ("Closed at", f"{at:%d.%m.%Y %H:%M:%S} EAT"),
        ("Explanation", certificate.note or "none needed"),
    ]


def balances(figures: Figures) -> list[Row]:
    """Name, opening, closing."""
    rows: list[Row] = [
        (f"Statement of {name}, opening by {BY[each.by]}", *_amounts(each.opening, each.closing))
        for name, each in figures.accounts.items()
    ]
    rows += [
        (f"Ledger {name}", *_amounts(opening, closing))
        for name, (opening, closing) in figures.ledger.items()
    ]
    rows.append(
        (
            "Statement less ledger",
            *_amounts(
                figures.opening - figures.ledger_opening, figures.closing - figures.ledger_closing
            ),
        )
    )
    return rows


def tallies(figures: Figures) -> dict[str, list[Row]]:
    """Name, count, sum; by kind of line, by rule of match and by bucket."""
    groups = {
        "Lines by kind": (figures.kinds, StatementLine.Kind),
        "Matched by rule": (figures.rules, Match.Rule),
        "Lines by bucket": (figures.buckets, Bucket),
    }
    return {
        title: [
            (str(labels(name).label), f"{each.count:,}", f"{each.amount:,}")
            for name, each in sorted(group.items())
        ]
        for title, (group, labels) in groups.items()
    }


def differences(figures: Figures) -> list[Row]:
    """Why, what, case, amount."""
    return [
        (WORDS[each.why], each.what, each.case or "none", f"{each.amount:,}")
        for each in figures.differences
    ]


def total(figures: Figures) -> int:
    """The sum of the listed differences, TZS."""
    return sum(each.amount for each in figures.differences)


def hashes(certificate: Certificate) -> list[Row]:
    return [
        ("Lines", certificate.lines_hash),
        ("Certificate before", certificate.previous_hash or "none: this is the first"),
        ("This certificate", certificate.hash),
    ]


def rows_of(certificate: Certificate) -> Iterator[tuple[Cell, ...]]:
    """The certificate for a spreadsheet: amounts are plain numbers, TZS."""
    figures = Figures.kept(certificate.figures)
    yield from facts(certificate)
    yield ()
    yield ("Balance", "Opening", "Closing")
    for name, each in figures.accounts.items():
        yield (f"Statement {name}", each.opening, each.closing)
    for name, (opening, closing) in figures.ledger.items():
        yield (f"Ledger {name}", opening, closing)
    for title, group in (
        ("Kind", figures.kinds),
        ("Rule", figures.rules),
        ("Bucket", figures.buckets),
    ):
        yield ()
        yield (title, "Lines", "Sum")
        for name, tally in sorted(group.items()):
            yield (name, tally.count, tally.amount)
    yield ()
    yield ("Difference", "What", "Case", "Amount")
    for difference in figures.differences:
        yield (WORDS[difference.why], difference.what, difference.case, difference.amount)
    yield ("Listed", "", "", total(figures))
    yield ("Unexplained", "", "", figures.unexplained)
    yield ("Balance breaks", "", "", figures.breaks)
    yield ()
    yield from hashes(certificate)


def _amounts(opening: int, closing: int) -> tuple[str, str]:
    return f"{opening:,}", f"{closing:,}"
