"""Which of our accounts a statement line is of, and what the ledger calls their money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import QuerySet

from common.clock import day_bounds
from payments import ledger
from payments.models import DayClose, ProviderName, StatementLine

COLLECTION, DISBURSEMENT = DayClose.Kind.COLLECTION, DayClose.Kind.DISBURSEMENT


@dataclass(frozen=True, slots=True)
class Till:
    """One provider's accounts of one kind.

    `disbursing` are the provider's accounts that only disburse. Where there is none, money comes and
    goes by one account, and its statement proves both of the ledger's.
    """

    provider: str
    kind: str
    disbursing: frozenset[str]

    @property
    def ledger_accounts(self) -> tuple[str, ...]:
        """The first is the one that fees are taken from."""
        collection = ledger.collection_account(self.provider)
        disbursement = ledger.disbursement_account(self.provider)
        if self.kind == DISBURSEMENT:
            return (disbursement,)
        return (collection,) if self.disbursing else (collection, disbursement)

    @property
    def name(self) -> str:
        kind = DayClose.Kind(self.kind).label.lower()
        return f"{ProviderName(self.provider).label}, {kind}"

    def has(self, account: str) -> bool:
        return (account in self.disbursing) == (self.kind == DISBURSEMENT)

    def lines(self) -> QuerySet[StatementLine]:
        """All of its statement lines."""
        lines = StatementLine.objects.filter(provider=self.provider)
        if self.kind == DISBURSEMENT:
            return lines.filter(account__in=self.disbursing)
        return lines.exclude(account__in=self.disbursing)

    @property
    def other(self) -> Till:
        """The provider's other one, where there are two."""
        kind = COLLECTION if self.kind == DISBURSEMENT else DISBURSEMENT
        return Till(self.provider, kind, self.disbursing)

    def lines_between(self, begins: datetime, ends: datetime) -> QuerySet[StatementLine]:
        return self.lines().filter(completed_at__gte=begins, completed_at__lt=ends)

    def lines_of(self, day: date) -> QuerySet[StatementLine]:
        return self.lines_between(*day_bounds(day))


def disbursing_accounts(provider: str) -> frozenset[str]:
    """The accounts, as statements name them, that money only leaves by."""
    found = {account for account, of in settings.DISBURSEMENT_TILLS.items() if of == provider}
    apart = settings.TIGO_PESA_DISBURSE_MSISDN
    if provider == ProviderName.TIGO_PESA and apart != settings.TIGO_PESA_BILLER_MSISDN:
        found.add(apart)
    return frozenset(found - {""})


def tills_of(provider: str) -> list[Till]:
    apart = disbursing_accounts(provider)
    kinds = [COLLECTION, DISBURSEMENT] if apart else [COLLECTION]
    return [Till(provider, kind, apart) for kind in kinds]


def till_of(provider: str, kind: str) -> Till:
    """Raises LookupError where the provider has none of that kind."""
    for till in tills_of(provider) if provider in ProviderName.values else []:
        if till.kind == kind:
            return till
    raise LookupError(f"{provider} has no {kind}")


def all_tills() -> list[Till]:
    return [till for provider in ProviderName.values for till in tills_of(provider)]
