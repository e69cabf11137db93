"""How each business day stands: open, ready to be closed, closed, or changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import timezone as FixedOffset
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from common.clock import business_day, day_bounds
from payments.days.tills import Till, tills_of
from payments.models import Bucket, DayClose, StatementFile, StatementLine

UNREAD = (StatementFile.State.WAITING, StatementFile.State.READING)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one day of one till stands. `missing`: why it cannot be closed yet."""

    till: Till
    day: date
    state: str  # open, ready, closed, changed; empty where there is nothing to close
    lines: int
    missing: tuple[str, ...] = ()


def is_closed(provider: str, day: date, account: str = "") -> bool:
    """Whether the day is closed for the account, or for any of the provider's where none is given.

    What is matched on a closed day is undone only after the day was opened again.
    """
    closed = DayClose.objects.filter(provider=provider, day=day, state=DayClose.State.CLOSED)
    if account:
        kinds = [till.kind for till in tills_of(provider) if till.has(account)]
        closed = closed.filter(kind__in=kinds)
    return closed.exists()


def standing_of(till: Till, day: date) -> Standing:
    return standings([till], [day])[0]


def standings(tills: Iterable[Till], days: Iterable[date]) -> list[Standing]:
    """How each of the days stands for each of the tills, by three queries, whatever their number."""
    tills, days = list(tills), sorted(days)
    closes = {
        (row.provider, row.kind, row.day): row
        for row in DayClose.objects.filter(day__gte=days[0], day__lte=days[-1])
    }
    counts = _counts(tills, days[0], days[-1])
    files = list(
        StatementFile.objects.filter(
            Q(state__in=UNREAD) | Q(state=StatementFile.State.READ, ends_at__gte=_begins(days[0]))
        ).values_list("provider", "account", "state", "begins_at", "ends_at", "created_at")
    )
    return [
        _standing(till, day, closes.get((till.provider, till.kind, day)), counts, files)
        for day in days
        for till in tills
    ]


def shown_days(page: int, size: int) -> list[date]:
    """The days of a page, the newest first; the first page ends today."""
    newest = business_day(timezone.now()) - timedelta(days=(page - 1) * size)
    return [newest - timedelta(days=number) for number in range(size)]


def pages(size: int) -> int:
    """How many pages there are back to the first line."""
    first = StatementLine.objects.aggregate(first=Min("completed_at"))["first"]
    if first is None:
        return 1
    days = (business_day(timezone.now()) - business_day(first)).days + 1
    return max(-(-days // size), 1)


Counts = dict[tuple[str, str, date], tuple[int, int]]  # provider, kind, day: lines, of them new
File = tuple[str, str, str, datetime | None, datetime | None, datetime]


def _counts(tills: Iterable[Till], first: date, last: date) -> Counts:
    """Days are counted by the business zone's offset: MySQL may know no zones by name."""
    offset = datetime.now(ZoneInfo(settings.BUSINESS_TIME_ZONE)).utcoffset() or timedelta()
    rows = (
        StatementLine.objects.filter(
            completed_at__gte=_begins(first), completed_at__lt=day_bounds(last)[1]
        )
        .annotate(day=TruncDate("completed_at", tzinfo=FixedOffset(offset)))
        .order_by()
        .values_list("provider", "account", "day")
        .annotate(lines=Count("pk"), new=Count("pk", filter=Q(bucket=Bucket.NEW)))
    )
    found: Counts = {}
    by_provider = list(tills)
    for provider, account, day, lines, new in rows:
        for till in by_provider:
            if till.provider == provider and till.has(account):
                key = (provider, till.kind, day)
                before = found.get(key, (0, 0))
                found[key] = (before[0] + lines, before[1] + new)
    return found


def _standing(
    till: Till, day: date, row: DayClose | None, counts: Counts, files: list[File]
) -> Standing:
    lines, new = counts.get((till.provider, till.kind, day), (0, 0))
    if row is not None and row.state == DayClose.State.CLOSED:
        return Standing(till, day, "changed" if row.changed_at else "closed", lines)
    missing = tuple(_missing(till, day, new, files))
    if not missing:
        return Standing(till, day, "ready", lines)
    has_something = lines or row is not None
    return Standing(till, day, "open" if has_something else "", lines, missing)


def _missing(till: Till, day: date, new: int, files: list[File]) -> Iterable[str]:
    begins, ends = day_bounds(day)
    if timezone.now() < ends:
        yield "The day is not over."
    own = [file for file in files if file[0] == till.provider and till.has(file[1])]
    if any(state in UNREAD for _, _, state, *_ in own):
        yield "A file is still being read."
    touching = [file for file in own if _touches(file, begins, ends)]
    whole = {file[1] for file in touching if _goes_on(file, ends)}
    if not touching or {file[1] for file in touching} - whole:
        yield "No statement file holds the whole day."
    if new:
        yield f"{new:,} lines were not looked at yet."


def _touches(file: File, begins: datetime, ends: datetime) -> bool:
    _, _, state, first, last, _ = file
    if state != StatementFile.State.READ or first is None or last is None:
        return False
    return first < ends and last >= begins


def _goes_on(file: File, ends: datetime) -> bool:
    """A file holds a day's end if it goes on after it, or was taken when the day was over.

    That nothing is missing at the day's beginning, the balance shows.
    """
    _, _, _, _, last, taken_at = file
    return taken_at >= ends or (last is not None and last >= ends)


def _begins(day: date) -> datetime:
    return day_bounds(day)[0]
