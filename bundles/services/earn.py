"""Owners earn a sale once it is delivered; until then its money is held for a refund."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from bundles.models import Activation, Purchase, Subscription, Terms
from bundles.selectors import paid_by
from common.transactions import retried
from payments import ledger
from payments.selectors import has_open_transfer, payment_for_update

BATCH = 200
HELD = "earnings_held:"
EARNED = "earnings:"


def held_account(owner_id: int) -> str:
    return f"{HELD}{owner_id}"


def earned_account(owner_id: int) -> str:
    return f"{EARNED}{owner_id}"


def earned() -> dict[int, int]:
    """What each owner has earned and was not paid yet, TZS; below zero for one who owes."""
    held = ledger.held(EARNED)
    return {int(name.removeprefix(EARNED)): amount for name, amount in held.items()}


def release_earnings() -> int:
    """Move what is delivered from held to earned, each sale in its own transaction. Returns how many.

    Delivered is what was used up, is past its end, or is older than the refund window.
    """
    now = timezone.now()
    window = timedelta(days=Terms.current().refund_window_days)
    delivered = Activation.objects.filter(earned_at=None).filter(
        Q(subscription__state=Subscription.State.ENDED)
        | Q(subscription__used_up_at__isnull=False)
        | Q(created_at__lte=now - window)
    )
    keys = list(delivered.order_by("pk").values_list("pk", flat=True)[:BATCH])
    return sum(_release(key) for key in keys)


@retried
def _release(activation_id: int) -> bool:
    """What a refund under way leaves of the sale, or gives back, is released after it."""
    purchase = Purchase.objects.select_related("bundle").get(activation=activation_id)
    payment = payment_for_update(paid_by(purchase).pk)
    activation = Activation.objects.select_for_update().get(pk=activation_id)
    if activation.earned_at is not None or has_open_transfer(payment):
        return False
    owner_id = purchase.bundle.owner_id
    held = ledger.lies_on(payment).get(held_account(owner_id), 0)
    activation.earned_at = timezone.now()
    activation.save(update_fields=["earned_at"])
    if held:
        ledger.post(
            source=f"delivered:{purchase.subject}",
            memo=str(purchase.bundle),
            payment=payment,
            lines=[(held_account(owner_id), held), (earned_account(owner_id), -held)],
        )
    return True
