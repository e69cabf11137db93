"""Gives a payment's money back to the phone that paid, wholly or in part."""

from __future__ import annotations

from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import User
from common.transactions import retried
from payments import hooks, ledger
from payments.errors import NotRefundable, ProviderUnavailable
from payments.models import Disposition, MobileMoneyTransaction, Payment, Transfer, TransferEvent
from payments.providers import registry
from payments.providers.base import Reversal
from payments.selectors import has_open_transfer, latest_attempt, payment_for_update
from payments.services.open_transfer import Route, open_transfer
from payments.states import State, TransferState


@retried
def refund_payment(
    *,
    payment_id: int,
    request_key: str,
    why: str,
    amount: int | None = None,
    by: User | None = None,
    ends_service: bool = False,
) -> Transfer:
    """Start a refund of `amount` TZS, or of all that is left of what a phone has paid; the same
    `request_key` gives the same. What credit has paid becomes credit again with a full refund.

    Claims a payment that is not fulfilled yet: then all goes back and nothing is served. After
    fulfilment the customer's own credit goes first, the sellers bear the rest in proportion, and a
    full refund ends the service, as does a part that stands for what is unused (`ends_service`).
    Raises NotRefundable and ProviderUnavailable.
    """
    lock_payer(payment_id)
    payment = payment_for_update(payment_id)
    if earlier := Transfer.objects.filter(request_key=request_key).first():
        return earlier
    lies = what_can_go_back(payment)
    whole = _whole(payment, lies)
    asked = whole if amount is None else amount
    if not 0 < asked <= whole:
        raise NotRefundable(
            _("At most {whole:,} shillings of this payment can go back.").format(whole=whole)
        )
    is_served = payment.disposition == Disposition.FULFILLED
    is_whole = asked == whole
    if payment.disposition == Disposition.OPEN and not is_whole:
        raise NotRefundable("A payment that has bought nothing yet goes back as a whole.")
    ends = is_served and (is_whole or ends_service)
    attempt = latest_attempt(payment)
    if attempt is None:
        raise NotRefundable("No phone has paid this: it was paid from credit.")
    route = _route(attempt, asked, is_whole=asked == payment.paid_amount)
    transfer = open_transfer(
        kind=Transfer.Kind.REFUND,
        route=route,
        payee=payment.payer,
        amount=asked,
        taken_from=_all_of(payment, lies, asked) if is_whole else _part_of(payment, lies, asked),
        request_key=request_key,
        why=why,
        source=TransferEvent.Source.STAFF if by else TransferEvent.Source.RULE,
        by=by,
        payment=payment,
        ends_service=ends,
    )
    if ends:
        hooks.withdrawn.notify(payment)
    elif is_whole:
        _give_up(payment)
    return transfer


def refundable(payment: Payment) -> int:
    """How much of a payment could go back now, TZS; 0 when it cannot."""
    try:
        return _whole(payment, what_can_go_back(payment))
    except NotRefundable:
        return 0


def what_can_go_back(payment: Payment) -> dict[str, int]:
    """Account → TZS. Credit that was spent meanwhile is not there any more. Raises NotRefundable."""
    if payment.state != State.COMPLETED or payment.reversed_at is not None:
        raise NotRefundable("Only money that we have can go back.")
    if has_open_transfer(payment):
        raise NotRefundable("A refund of this payment is under way. Wait for its end.")
    lies = ledger.lies_on(payment)
    credit = ledger.credit_account(payment.payer_id)
    if credit in lies:
        lies[credit] = min(lies[credit], max(ledger.credit_of(payment.payer_id), 0))
    left = {account: amount for account, amount in lies.items() if amount}
    if not left:
        raise NotRefundable("Nothing of this payment is left.")
    return left


def lock_payer(payment_id: int) -> None:
    """Credit is spent and sent back under its owner's row, which is locked before any payment."""
    payer_id = Payment.objects.values_list("payer_id", flat=True).get(pk=payment_id)
    User.objects.select_for_update().get(pk=payer_id)


def _whole(payment: Payment, lies: dict[str, int]) -> int:
    """What a refund can send: all that is left, but no more than the phone has paid."""
    sent: int | None = Transfer.objects.filter(
        payment=payment, kind=Transfer.Kind.REFUND, state=TransferState.SUCCEEDED
    ).aggregate(total=Sum("amount"))["total"]
    return min(sum(lies.values()), (payment.paid_amount or 0) - (sent or 0))


def _all_of(payment: Payment, lies: dict[str, int], asked: int) -> list[ledger.Line]:
    """Everything leaves where it lies; what is not sent is the customer's credit."""
    credit = ledger.credit_account(payment.payer_id)
    kept = sum(lies.values()) - asked
    sold = [(account, held) for account, held in lies.items() if account != credit]
    return [*sold, (credit, lies.get(credit, 0) - kept)]


def _part_of(payment: Payment, lies: dict[str, int], asked: int) -> list[ledger.Line]:
    """What was over-paid is the customer's own: the sellers bear what is more than that."""
    credit = ledger.credit_account(payment.payer_id)
    own = min(lies.get(credit, 0), asked)
    sold = {account: held for account, held in lies.items() if account != credit}
    return [(credit, own), *(ledger.in_proportion(sold, asked - own) if sold else [])]


def _give_up(payment: Payment) -> None:
    """Nothing will be served for this money any more."""
    was_open = payment.disposition == Disposition.OPEN
    payment.disposition = Disposition.REFUNDED
    payment.follow_up_at = None
    payment.save(update_fields=["disposition", "follow_up_at", "updated_at"])
    if was_open:
        hooks.given_up.notify(payment)


def _route(attempt: MobileMoneyTransaction, amount: int, *, is_whole: bool) -> Route:
    """By the provider's own reversal where it can take back this much, else by disbursement."""
    reversal = registry.by_dialect(attempt.dialect).description.reversal
    can_reverse = reversal == Reversal.PART or (reversal == Reversal.FULL and is_whole)
    has_failed = Transfer.objects.filter(
        payment_id=attempt.payment_id, method=Transfer.Method.REVERSAL, state="failed"
    ).exists()
    if can_reverse and attempt.provider_transaction_id and not has_failed:
        return Route(
            method=Transfer.Method.REVERSAL,
            provider=attempt.provider,
            dialect=attempt.dialect,
            phone=attempt.customer_phone,
        )
    return disbursement_route(attempt.provider, attempt.customer_phone)


def disbursement_route(provider: str, phone: str) -> Route:
    """How money is sent to a phone (E.164) of a provider. Raises ProviderUnavailable."""
    dialect = registry.disbursing_provider(provider)
    if dialect is None:
        raise ProviderUnavailable("Money cannot be sent by this provider: it is not set up.")
    return Route(
        method=Transfer.Method.DISBURSEMENT,
        provider=provider,
        dialect=dialect.description.dialect,
        phone=phone,
    )
