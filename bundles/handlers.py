"""What bundles does when payments tells of money; registered in `apps.py`."""

from __future__ import annotations

from django.db.models import Q

from accounts.errors import AccountInUse
from accounts.services.delete_account import Deletion
from accounts.services.own_phone import prove_phone
from bundles.models import Bundle, Gift, Purchase, Renewal, Subscription
from bundles.services import record_fiscally as fiscally
from bundles.services.activate import activate_purchase
from bundles.services.earn import earned_account, held_account
from bundles.services.end import end_of_customer
from bundles.services.forget_receivers import forget_receiver
from bundles.services.renew import renew_no_more
from bundles.services.seats import release_hold
from bundles.services.tell import tell_of_activation
from bundles.services.withdraw import withdraw_purchase
from payments import ledger
from payments.models import Payment, Transfer
from payments.selectors import receipt_of


def activate(payment: Payment) -> None:
    """The money is there: give what it has bought."""
    if _is_ours(payment):
        activate_purchase(payment=payment)


def tell(payment: Payment) -> None:
    """What the money has bought is there: say so."""
    if _is_ours(payment):
        tell_of_activation(payment=payment)


def prove(payment: Payment) -> None:
    """Whoever paid from the account's own phone has it in hand, and its PIN."""
    if _is_ours(payment) and (phone := receipt_of(payment).phone):
        prove_phone(user_id=payment.payer_id, phone=phone)


def withdraw(payment: Payment) -> None:
    """The money is gone again: what it has bought ends."""
    if _is_ours(payment):
        withdraw_purchase(payment=payment)


def correct_withdrawn(payment: Payment) -> None:
    """The money is gone again: the sale's fiscal record is told."""
    if _is_ours(payment) and not _was_never_served(payment):
        fiscally.correct_withdrawn(payment)


def correct_sent_back(transfer: Transfer) -> None:
    """Money of a sale was sent back: the same."""
    payment = transfer.payment
    if payment is not None and _is_ours(payment) and not _was_never_served(payment):
        fiscally.correct_sent_back(transfer)


def release(payment: Payment) -> None:
    """The money will not come, became credit or goes back: others may have the held seat."""
    if not _is_ours(payment):
        return
    release_hold(purchase=Purchase.objects.get(pk=Purchase.id_from(payment.subject)))


def renew_no_more_in_vain(payment: Payment) -> None:
    """What a renewal has paid could not be served and is credit again: it would be bought for ever."""
    if _is_ours(payment):
        purchase = Purchase.id_from(payment.subject)
        renew_no_more(Q(purchase=purchase), Renewal.Outcome.NOT_SERVED)


def _is_ours(payment: Payment) -> bool:
    """Money that a customer sent for nothing in particular has no purchase."""
    return bool(payment.subject)


def _was_never_served(payment: Payment) -> bool:
    """A gift that went back unclaimed has no fiscal record that could be corrected."""
    returned = Gift.objects.filter(state=Gift.State.RETURNED)
    return returned.filter(purchase=Purchase.id_from(payment.subject)).exists()


def keep_account_in_use(deletion: Deletion) -> None:
    """Raise AccountInUse while an owner has earnings or customers, or a service would be lost."""
    user = deletion.user
    if any(ledger.balance(account(user.pk)) for account in (held_account, earned_account)):
        raise AccountInUse("Your earnings have to be paid out first.")
    live = Subscription.objects.filter(state=Subscription.State.ACTIVE)
    if live.filter(bundle__owner=user).exists():
        raise AccountInUse("Customers still use your bundles. Pause them, and wait for their end.")
    waiting = Gift.objects.filter(giver=user, state=Gift.State.OFFERED)
    if waiting.filter(subscription=None).exists():
        raise AccountInUse("A gift of yours waits to be claimed. Take it back, or wait for that.")
    if not deletion.gives_up_service and live.filter(customer=user).exists():
        raise AccountInUse("You have an active bundle, which would end. Say that you give it up.")


def end_with_account(deletion: Deletion) -> None:
    """What the person sold is not sold any more; what they used ends, and their phone is on no gift."""
    Bundle.objects.filter(owner=deletion.user).update(is_active=False)
    end_of_customer(deletion.user.pk)
    forget_receiver(deletion.user)
