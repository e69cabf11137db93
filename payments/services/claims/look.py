"""Looks for a named receipt in what we have: a payment, money that nobody was given, nothing yet."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cases.models import Case, CaseKind
from common.transactions import retried
from payments.models import Match, MobileMoneyTransaction, Payment, ReceiptClaim
from payments.services.claims.candidates import provider_may_tell
from payments.services.claims.place import place
from payments.services.claims.tell import find, give_to_staff, give_up, pass_on
from payments.services.claims.unplaced import unplaced

State = ReceiptClaim.State
LOOK_EVERY = timedelta(minutes=5)
STATEMENTS_TAKE = timedelta(days=3)  # what no statement has told by then, none will


def look(*, claim_id: int, tells: bool = True) -> bool:
    """Find, place or pass on what is known of a receipt; safe to repeat and to run twice at once.

    Returns whether we know nothing of it, so that only the provider may. `tells` by SMS what was found.
    """
    claim = ReceiptClaim.objects.select_related("customer").get(pk=claim_id)
    if claim.state == State.FOUND:
        return False
    payments = _payments(claim)
    if own := next((each for each in payments if each.payer_id == claim.customer_id), None):
        find(claim=claim, payment=own, tells=tells)
        return False
    if claim.state == State.NOT_FOUND:
        return False
    cases = Case.objects.filter(kind=CaseKind.RECEIPT_CLAIMED, subject=claim.subject)
    is_with_staff = cases.filter(state=Case.State.OPEN).exists()
    if cases.exists() and not is_with_staff:
        give_up(claim)
        return False
    is_unknown = not payments and not _is_known(claim, tells=tells)
    _go_on(claim, "it is of another customer's payment" if payments else "nothing tells of it")
    return is_unknown and not is_with_staff and claim.state == State.LOOKING


def _payments(claim: ReceiptClaim) -> list[Payment]:
    """Whoever's payments have this receipt, or our own reference in its place."""
    attempts = MobileMoneyTransaction.objects.select_related("payment").filter(
        provider__in=claim.providers
    )
    matched = Match.objects.filter(
        line__receipt=claim.key, is_live=True, state=Match.State.CONFIRMED, attempt__isnull=False
    )
    found = [
        *attempts.filter(provider_transaction_id__in=claim.spellings),
        *attempts.filter(reference=claim.key),
        *attempts.filter(pk__in=matched.values("attempt")),
    ]
    return [attempt.payment for attempt in found]


def _is_known(claim: ReceiptClaim, *, tells: bool) -> bool:
    """Whether we have the money, or somebody else names it too; both lead on.

    Money whose payer we were not told is left to the provider's answer, while there may be one.
    """
    rivals = ReceiptClaim.objects.filter(key=claim.key).exclude(pk=claim.pk)
    if rivals.exists():
        names = ", ".join(f"claim {each.pk} of {each.customer}" for each in rivals[:5])
        give_to_staff(claim=claim, why=f"another customer names it too: {names}")
        return True
    money = unplaced(claim)
    is_payer_missing = money is not None and not money.phone and not money.trouble
    if money is None or (is_payer_missing and provider_may_tell(claim)):
        return False
    place(claim=claim, money=money, tells=tells)
    return True


@retried
def _go_on(claim: ReceiptClaim, why: str) -> None:
    """When to look again; and what no statement has told in time is for a person."""
    now = timezone.now()
    ReceiptClaim.objects.filter(pk=claim.pk, closed_at=None).update(next_look_at=now + LOOK_EVERY)
    if claim.state == State.LOOKING and claim.claimed_at <= now - STATEMENTS_TAKE:
        pass_on(claim, why)
