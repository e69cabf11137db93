"""Notes what moved between the bank and a provider's accounts, as the bank's statement tells it."""

from __future__ import annotations

from enum import StrEnum

from common.transactions import retried
from payments import ledger
from payments.days.keys import bank_source
from payments.errors import AlreadyRecorded
from payments.models import Posting, ProviderName
from payments.services.day_lock import lock_days


class Movement(StrEnum):
    TOP_UP = "top_up"  # from the bank to the account that is disbursed from
    FROM_COLLECTION = "from_collection"  # the same, from what was collected
    SETTLEMENT = "settlement"  # what was collected, to the bank


def record_bank(
    *, movement: Movement, provider: ProviderName, amount: int, reference: str, note: str
) -> Posting:
    """Post a movement of `amount` TZS; `reference` is the bank's or the provider's, and posts once.

    By the provider's receipt it is the same posting that closing the day would make.

    Recorded before, it is given again; raises AlreadyRecorded where it was something else.
    """
    lines = movement_lines(movement, provider, amount)
    return _post(provider, bank_source(provider, reference), lines, note)


@retried
def _post(provider: str, source: str, lines: list[ledger.Line], note: str) -> Posting:
    lock_days(provider)
    found = Posting.objects.filter(source=source).first()
    if found is None:
        ledger.post(source=source, memo=note[:255], lines=lines)
        return Posting.objects.get(source=source)
    if sorted(found.entries.values_list("account", "amount")) != sorted(lines):
        raise AlreadyRecorded("This reference was recorded with another amount or another way.")
    return found


def movement_lines(movement: Movement, provider: ProviderName, amount: int) -> list[ledger.Line]:
    """What such a movement of `amount` TZS debits and credits."""
    collection = ledger.collection_account(provider)
    disbursement = ledger.disbursement_account(provider)
    to, origin = {
        Movement.TOP_UP: (disbursement, ledger.BANK),
        Movement.FROM_COLLECTION: (disbursement, collection),
        Movement.SETTLEMENT: (ledger.BANK, collection),
    }[movement]
    return [(to, amount), (origin, -amount)]
