"""The sums of what was chosen, each read by one query when a chart first asks for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from functools import cached_property
from typing import TypeVar

from django.db.models import Max, QuerySet, Sum

from backoffice.dashboard.chosen import Chosen
from backoffice.rollups.days import BETWEEN
from backoffice.rollups.tables import BY_BUNDLE, COUNTS, SUMS, Measure, OwnerDay, Sales, Span, Tally

Row = TypeVar("Row", Sales, Tally)
Totals = dict[str, int]
NOTHING: Totals = dict.fromkeys((*COUNTS, *SUMS), 0)


class Sums:
    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen

    @cached_property
    def by_day(self) -> dict[date, Totals]:
        """Every day of the time, also one without payments."""
        found = {day: dict(NOTHING) for day in self.chosen.days}
        for (day, _), totals in self._by_day_and_provider.items():
            _add(found[day], totals)
        return found

    @cached_property
    def by_provider(self) -> dict[str, Totals]:
        found: dict[str, Totals] = defaultdict(lambda: dict(NOTHING))
        for (_, provider), totals in self._by_day_and_provider.items():
            _add(found[provider], totals)
        return dict(found)

    @cached_property
    def _by_day_and_provider(self) -> dict[tuple[date, str], Totals]:
        days = self._sales(Span.DAY)
        if self.chosen.bundle is not None:
            days = days.filter(bundle=self.chosen.bundle)
        elif self.chosen.owner is not None:
            own = self.chosen.owner.bundles.values_list("pk", flat=True)
            days = days.filter(bundle__in=list(own))
        grouped = days.values("day", "provider")
        sums = grouped.annotate(**{f"total_{name}": Sum(name) for name in NOTHING})
        return {
            (row["day"], row["provider"]): {name: row[f"total_{name}"] for name in NOTHING}
            for row in sums
        }

    @cached_property
    def by_hour(self) -> dict[tuple[int, str], tuple[int, int]]:
        """Hour of the business day and provider → payments begun, and of those completed."""
        if self.chosen.bundle is not None:
            hours = self._sales(Span.HOUR).filter(bundle=self.chosen.bundle)
        elif self.chosen.owner is not None:
            hours = self._sales(Span.OWN).filter(bundle=self.chosen.owner.pk)
        else:
            hours = self._sales(Span.ALL)
        rows = hours.values_list("hour", "provider")
        return {
            (hour, provider): (begun, completed)
            for hour, provider, begun, completed in rows.annotate(Sum("begun"), Sum("completed"))
        }

    @cached_property
    def failures(self) -> dict[str, Counter[str]]:
        """Reason → provider → payments."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        rows = self._of_provider(self._of_choice(Measure.FAILED)).values_list("label", "provider")
        for reason, provider, count in rows.annotate(Sum("count")):
            found[reason][provider] = count
        return found

    @cached_property
    def times(self) -> dict[tuple[date, str], Counter[str]]:
        """Day and measure → upper edge → payments."""
        found: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
        rows = self._of_provider(self._of_choice(Measure.TO_PAID, Measure.TO_ACTIVE))
        for day, measure, edge, count in rows.values_list("day", "measure", "label").annotate(
            Sum("count")
        ):
            found[day, measure][edge] = count
        return found

    @cached_property
    def service(self) -> dict[tuple[date, str], tuple[int, int]]:
        """Day and measure → count and amount, of the chosen bundles, of any provider."""
        return _by_day_and_measure(self._of_choice(*BY_BUNDLE))

    @cached_property
    def owed(self) -> dict[date, tuple[int, int, int]]:
        """Day → held and payable at its end, and paid out on it, to the chosen owner or to all."""
        owner = self.chosen.owner.pk if self.chosen.owner else OwnerDay.ALL
        days = OwnerDay.objects.filter(owner=owner)
        before = days.filter(day__lt=self.chosen.since).aggregate(
            held=Sum("held", default=0), payable=Sum("payable", default=0)
        )
        rows = days.filter(day__range=(self.chosen.since, self.chosen.until))
        changes = {row.day: row for row in rows}
        found, held, payable = {}, before["held"], before["payable"]
        for day in self.chosen.days:
            change = changes.get(day, OwnerDay(held=0, payable=0, paid_out=0))
            held, payable = held + change.held, payable + change.payable
            found[day] = (held, payable, change.paid_out)
        return found

    @cached_property
    def credit(self) -> dict[tuple[date, str], tuple[int, int]]:
        return _by_day_and_measure(self._measured(Measure.CREDIT))

    @cached_property
    def lines(self) -> dict[tuple[date, str], tuple[int, int]]:
        """Day and bucket → statement lines and TZS, of the provider if one is chosen."""
        rows = self._of_provider(self._measured(Measure.LINES))
        counted = rows.values_list("day", "label").annotate(Sum("count"), Sum("amount"))
        return {(day, bucket): (count, amount) for day, bucket, count, amount in counted}

    @cached_property
    def stake(self) -> dict[tuple[date, str], tuple[int, int]]:
        """Day → open cases at its end and TZS at stake."""
        return _by_day_and_measure(self._measured(Measure.CASES))

    @cached_property
    def cases(self) -> tuple[date, dict[tuple[str, str], tuple[int, int]]]:
        """The last measured day; kind and age → cases open at its end and TZS at stake."""
        measured = self._measured(Measure.CREDIT)  # of which every day has a row
        last: date = measured.aggregate(last=Max("day"))["last"] or self.chosen.until
        rows = self._measured(Measure.CASES).filter(day=last)
        found = {}
        for label, count, amount in rows.values_list("label", "count", "amount"):
            kind, _, age = label.partition(BETWEEN)
            found[kind, age] = (count, amount)
        return last, found

    def _sales(self, span: Span) -> QuerySet[Sales]:
        days = (self.chosen.since, self.chosen.until)
        return self._of_provider(Sales.objects.filter(span=span, day__range=days).order_by())

    def _of_choice(self, *measures: Measure) -> QuerySet[Tally]:
        """The tallies of the chosen bundle, of all that the chosen owner has, or of all."""
        if self.chosen.bundle is not None:
            return self._measured(*measures).filter(bundle=self.chosen.bundle)
        if self.chosen.owner is not None:
            return self._measured(*measures, span=Span.OWN).filter(bundle=self.chosen.owner.pk)
        return self._measured(*measures, span=Span.ALL)

    def _of_provider(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        return rows.filter(provider=self.chosen.provider) if self.chosen.provider else rows

    def _measured(self, *measures: Measure, span: Span = Span.DAY) -> QuerySet[Tally]:
        days = (self.chosen.since, self.chosen.until)
        return Tally.objects.filter(span=span, measure__in=measures, day__range=days).order_by()


def _add(totals: Totals, others: Totals) -> None:
    for name, value in others.items():
        totals[name] += value


def _by_day_and_measure(rows: QuerySet[Tally]) -> dict[tuple[date, str], tuple[int, int]]:
    counted = rows.values_list("day", "measure").annotate(Sum("count"), Sum("amount"))
    return {(day, measure): (count, amount) for day, measure, count, amount in counted}
