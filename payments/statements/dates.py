"""Times as statements write them, in East Africa Time → UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from payments.statements.refusal import UnreadableRow

AHEAD = timedelta(hours=3)  # EAT, all year
TOMORROW = timedelta(days=1)  # clocks differ, but no statement tells of what is still to come
# What a file's dates may be, as strptime reads them once their separators are dashes.
ORDERS = {
    "%Y-%m-%d": "year, month, day",
    "%d-%m-%Y": "day, month, year",
    "%m-%d-%Y": "month, day, year",
    "%d-%b-%Y": "day, month's name, year",
    "%Y%m%d": "year, month, day in eight figures",
    "%d-%m-%y": "day, month, year in two figures",
}
# Of which the file itself decides; the others are chosen by staff.
DECIDED = ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y")
WRITTEN = re.compile(
    r"(\d{1,4}[-/. ](?:\d{1,2}|[A-Za-z]{3})[-/. ]\d{2,4}|\d{8})(?:[ T,]+(\S.*))?", re.ASCII
)
TIMES = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
FRACTION = re.compile(r"\.\d+$", re.ASCII)
SEPARATORS = str.maketrans("/. ", "---")
EARLIEST, LATEST = 2000, 2100
MEMORY = 200_000  # hours: more than a statement of twenty years has


def orders_of(text: str) -> set[str]:
    """The orders of DECIDED by which the date at the beginning of a text is one; often two."""
    found = WRITTEN.match(text.strip())
    if found is None:
        return set()
    return {order for order in DECIDED if _day(found[1], order) is not None}


def moment(written: str) -> datetime:
    """The time that `Clock` has written."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


class Clock:
    """Reads the times of one file, of which many are in the same hour.

    A time to come is none: a file that told of next year would make every day until then whole.
    """

    def __init__(self, order: str) -> None:
        self._order = order
        self._latest = (timezone.now() + AHEAD + TOMORROW).replace(tzinfo=None)
        self._hours: dict[str, str] = {}
        self._rests: dict[str, str] = {}

    def utc(self, text: str) -> str:
        """`2026-11-03 11:05:07` for a quarter past two in Dar es Salaam. Raises UnreadableRow."""
        hour, _, rest = text.partition(":")
        try:
            return self._hours[hour] + self._rests[rest]
        except KeyError:
            return self._read(text, hour, rest)

    def _read(self, text: str, hour: str, rest: str) -> str:
        found = WRITTEN.fullmatch(text.strip())
        day = found and _day(found[1], self._order)
        if found is None or day is None:
            raise UnreadableRow(f"“{text[:40]}” is no time of this file's kind")
        moment = _at(day, found[2])
        if moment is None:
            raise UnreadableRow(f"“{text[:40]}” is no time of this file's kind")
        if moment > self._latest:
            raise UnreadableRow(f"“{text[:40]}” is still to come")
        utc = f"{moment - AHEAD:%Y-%m-%d %H:%M:%S}"
        if rest.replace(":", "").isdigit() and len(self._hours) < MEMORY:
            self._hours[hour], self._rests[rest] = utc[:14], utc[14:]
        return utc


def _day(written: str, order: str) -> datetime | None:
    try:
        day = datetime.strptime(written.translate(SEPARATORS), order)  # noqa: DTZ007 - EAT
    except ValueError:
        return None
    return day if EARLIEST <= day.year < LATEST else None


def _at(day: datetime, written: str | None) -> datetime | None:
    """That day at a time as it is written; at midnight where there is none."""
    if written is None:
        return day
    for form in TIMES:
        try:
            time = datetime.strptime(FRACTION.sub("", written.strip()).upper(), form)  # noqa: DTZ007
        except ValueError:
            continue
        return day.replace(hour=time.hour, minute=time.minute, second=time.second)
    return None
