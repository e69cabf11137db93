"""How each business day stands: open, ready to be closed, closed, or changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import timezone as FixedOffset
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Max, Min, Q
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


def is_closed_since(till: Till, day: date) -> bool:
    """Whether that day or a later one is closed, whose balances what is booked for it would change."""
    rows = DayClose.objects.filter(provider=till.provider, kind=till.kind, day__gte=day)
    return rows.filter(state=DayClose.State.CLOSED).exists()


def standing_of(till: Till, day: date) -> Standing:
    return standings([till], [day])[0]


def standings(tills: Iterable[Till], days: Iterable[date]) -> list[Standing]:
    """How each of the days stands for each of the tills, by four queries, whatever their number."""
    tills, days = list(tills), sorted(days)
    closes = {
        (row.provider, row.kind, row.day): row
        for row in DayClose.objects.filter(day__gte=days[0], day__lte=days[-1])
    }
    counts = _counts(tills, days[0], days[-1])
    files = _files(_begins(days[0]))
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


class File(NamedTuple):
    """A statement file that is read, or is to be."""

    provider: str
    account: str
    state: str
    begins_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    opening_balance: int | None
    closing_balance: int | None


class Read(NamedTuple):
    """What a file that was read tells of its account: from its first line to its last, TZS."""

    begins_at: datetime
    ends_at: datetime
    taken_at: datetime
    opening: int | None
    closing: int | None

    def goes_on_after(self, begins: datetime, ends: datetime) -> bool:
        """Whether it holds that day's end: it has later lines, or was taken when the day was over.

        That nothing is missing at the day's beginning, the balance shows.
        """
        if self.begins_at >= ends:
            return False
        return self.ends_at >= ends or (self.ends_at >= begins and self.taken_at >= ends)


def _files(begins: datetime) -> list[File]:
    """Those of that time and later, and each account's last one before."""
    read = StatementFile.objects.filter(state=StatementFile.State.READ).order_by()
    wanted = Q(state__in=UNREAD) | Q(state=StatementFile.State.READ, ends_at__gte=begins)
    before = read.filter(ends_at__lt=begins).values_list("provider", "account")
    for provider, account, last in before.annotate(last=Max("ends_at")):
        wanted |= Q(
            state=StatementFile.State.READ, provider=provider, account=account, ends_at=last
        )
    rows = StatementFile.objects.filter(wanted).order_by("pk").values_list(*File._fields)
    return [File(*row) for row in rows]


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
    own = [file for file in files if file.provider == till.provider and till.has(file.account)]
    in_use = _in_use(own, *day_bounds(day))
    missing = tuple(_missing(day, new, own, in_use))
    if not missing:
        return Standing(till, day, "ready", lines)
    has_something = lines or in_use or row is not None
    return Standing(till, day, "open" if has_something else "", lines, missing)


def _missing(day: date, new: int, own: list[File], in_use: dict[str, list[Read]]) -> Iterable[str]:
    begins, ends = day_bounds(day)
    if timezone.now() < ends:
        yield "The day is not over."
    if any(file.state in UNREAD for file in own):
        yield "A file is still being read."
    if not in_use:
        yield "No statement file holds the whole day."
    for account, files in in_use.items():
        if why := _not_held(account, files, begins, ends):
            yield f"No statement file holds the whole day: {why}."
    if new:
        yield f"{new:,} lines were not looked at yet."


def _in_use(own: list[File], begins: datetime, ends: datetime) -> dict[str, list[Read]]:
    """What was read of each account that has lines both until the day's end and since its beginning."""
    found: dict[str, list[Read]] = {}
    for _, account, state, first, last, taken_at, opening, closing in own:
        if state == StatementFile.State.READ and first is not None and last is not None:
            read = Read(first, last, taken_at, opening, closing)
            found.setdefault(account, []).append(read)
    return {
        account: files
        for account, files in sorted(found.items())
        if any(file.begins_at < ends for file in files)
        and any(file.ends_at >= begins for file in files)
    }


def _not_held(account: str, files: list[Read], begins: datetime, ends: datetime) -> str:
    """Why nobody knows all that was on the account until the day's end; empty where it is known.

    Between two files nothing was where the one begins with the balance that the other ends with.
    """
    if any(file.goes_on_after(begins, ends) for file in files):
        return ""
    later = [file for file in files if file.begins_at >= ends]
    if not later:
        return f"upload one of {account} that goes on after it"
    before = max((file for file in files if file.ends_at < ends), key=lambda file: file.ends_at)
    after = min(later, key=lambda file: file.begins_at)
    if before.closing is None or after.opening is None:
        return (
            f"nothing tells the balances around it, so upload one of {account} from before to after"
        )
    if before.closing == after.opening:
        return ""
    return (
        f"{account} had {before.closing:,} TZS before it and {after.opening:,} TZS after it, "
        "so upload what lies between"
    )


def _begins(day: date) -> datetime:
    return day_bounds(day)[0]
