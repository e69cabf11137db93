"""Processes a stored delivery once more, after whatever kept it from being understood was mended."""

from __future__ import annotations

from django.utils import timezone

from common.queue import hurry
from payments.models import WebhookDelivery

REPLAYABLE = (
    WebhookDelivery.State.HINT,
    WebhookDelivery.State.UNMATCHED,
    WebhookDelivery.State.MALFORMED,
)


def can_be_replayed(delivery: WebhookDelivery) -> bool:
    """Whether it told us nothing yet that a mended program could understand."""
    is_question = delivery.channel == WebhookDelivery.Channel.QUESTION
    is_kept = delivery.body_forgotten_at is None
    return delivery.state in REPLAYABLE and is_kept and not is_question


def replay_delivery(*, delivery_id: int) -> bool:
    """Queue a delivery again; trust is decided anew, by how it once came in.

    Returns False for one that was applied, for a question, or where the body is not kept whole.
    """
    from payments.tasks import apply_deliveries

    # A question about a bill reads like the news that it was paid, and was answered long ago.
    replayable = WebhookDelivery.objects.exclude(channel=WebhookDelivery.Channel.QUESTION).filter(
        pk=delivery_id, state__in=REPLAYABLE, body_forgotten_at=None
    )
    is_ours = replayable.update(
        state=WebhookDelivery.State.RECEIVED, tries=0, next_try_at=timezone.now()
    )
    if is_ours:
        hurry(apply_deliveries, [delivery_id])
    return bool(is_ours)
