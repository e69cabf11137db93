"""Whether statements must tell of a payment: from before it was asked until after we knew it was done."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from payments.days.tills import COLLECTION, DISBURSEMENT, disbursing_accounts
from payments.models import ProviderName, StatementFile, Transfer


class Span(NamedTuple):
    """What files of one account tell of without a hole, with the balances around it in TZS."""

    provider: str
    account: str
    begins_at: datetime
    ends_at: datetime
    opening: int | None
    closing: int | None
    files: int = 1

    def goes_on_with(self, file: Span) -> bool:
        """As for a day's close: nothing was between files that have the same balance there."""
        if (self.provider, self.account) != (file.provider, file.account):
            return False
        return file.begins_at <= self.ends_at or (
            file.opening is not None and file.opening == self.closing
        )

    def until(self, file: Span) -> Span:
        last = max(self, file, key=attrgetter("ends_at"))
        return self._replace(ends_at=last.ends_at, closing=last.closing, files=self.files + 1)


def covered(column: str, done_at: str) -> Q:
    """Of the attempts or transfers of a query, those whose account's statements tell of their time."""
    if column == "attempt":
        return _told_of(COLLECTION, done_at)
    goes_back = Q(method=Transfer.Method.REVERSAL)  # by the account that it came to
    return (goes_back & _told_of(COLLECTION, done_at)) | (
        ~goes_back & _told_of(DISBURSEMENT, done_at)
    )


def _told_of(kind: str, done_at: str) -> Q:
    """By one file, or by several that join."""
    files = StatementFile.objects.filter(_of_tills(kind), state=StatementFile.State.READ)
    told = Q(
        Exists(
            files.filter(
                provider=OuterRef("provider"),
                begins_at__lte=OuterRef("created_at"),
                ends_at__gte=OuterRef(done_at),
            )
        )
    )
    for span in _joined(files):
        if span.files > 1:
            told |= Q(
                provider=span.provider,
                created_at__gte=span.begins_at,
                **{f"{done_at}__lte": span.ends_at},
            )
    return told


def _joined(files: QuerySet[StatementFile]) -> list[Span]:
    spans: list[Span] = []
    rows = files.order_by("provider", "account", "begins_at", "ends_at").values_list(
        "provider", "account", "begins_at", "ends_at", "opening_balance", "closing_balance"
    )
    for provider, account, begins_at, ends_at, opening, closing in rows:
        if begins_at is None or ends_at is None:
            continue  # it has no line
        file = Span(provider, account, begins_at, ends_at, opening, closing)
        if spans and spans[-1].goes_on_with(file):
            spans[-1] = spans[-1].until(file)
        else:
            spans.append(file)
    return spans


def _of_tills(kind: str) -> Q:
    """Files of the accounts of a kind; a provider that has one account has it for both."""
    apart = {name: disbursing_accounts(name) for name in ProviderName.values}
    disbursing = Q(pk__in=[])
    for provider, accounts in apart.items():
        if accounts:
            disbursing |= Q(provider=provider, account__in=accounts)
    if kind == COLLECTION:
        return ~disbursing
    return disbursing | Q(provider__in=[name for name, accounts in apart.items() if not accounts])
