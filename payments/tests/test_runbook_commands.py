"""What staff do from a terminal, and what nobody has to do by hand."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
import responses
from django.core.management import CommandError, call_command
from django.utils import timezone

from payments.models import MobileMoneyTransaction, ProviderName, WebhookDelivery
from payments.services.forget_bodies import KEPT, forget_old_bodies
from payments.services.replay_delivery import replay_delivery
from payments.states import State
from payments.tests.conftest import AIRTEL
from payments.tests.factories import a_payment, reload

pytestmark = pytest.mark.django_db(transaction=True)

ENQUIRY = f"{AIRTEL}/standard/v1/payments/"


def a_delivery(**changes: object) -> WebhookDelivery:
    values: dict[str, object] = {
        "dialect": "tigo_pesa",
        "trust": WebhookDelivery.Trust.OPEN,
        "body": b"{}",
        "headers": {"Host": "x"},
        "body_bytes": 2,
        "state": WebhookDelivery.State.UNMATCHED,
        **changes,
    }
    return WebhookDelivery.objects.create(**values)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_payment_is_asked_about_by_its_reference(wire: responses.RequestsMock) -> None:
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    MobileMoneyTransaction.objects.filter(pk=attempt.pk).update(
        status=State.PENDING, posted_at=timezone.now() - timedelta(minutes=5)
    )
    wire.get(
        ENQUIRY + attempt.reference,
        json={
            "data": {
                "transaction": {"id": attempt.reference, "status": "TS", "airtel_money_id": "MP1"}
            },
            "status": {"code": "200", "success": True},
        },
    )
    assert "Completed" in said("query_payment", attempt.reference)
    assert reload(attempt)[1].state == State.COMPLETED
    assert "Completed" in said("query_payment", "MP1")


def test_a_payment_that_nobody_knows_is_told_plainly() -> None:
    with pytest.raises(CommandError, match="no payment NOBODY"):
        said("query_payment", "NOBODY")


def test_deliveries_are_processed_again_by_their_state() -> None:
    again = a_delivery()
    for state in (WebhookDelivery.State.APPLIED, WebhookDelivery.State.HINT):
        a_delivery(state=state)
    assert said("replay_deliveries", "--state", "unmatched").startswith("1 ")
    again.refresh_from_db()
    assert again.state == WebhookDelivery.State.RECEIVED
    assert again.next_try_at is not None


def test_nothing_named_is_nothing_done() -> None:
    a_delivery()
    with pytest.raises(CommandError):
        said("replay_deliveries")


def test_old_bodies_are_forgotten_and_young_ones_kept() -> None:
    old = a_delivery(received_at=timezone.now() - KEPT - timedelta(seconds=1))
    young = a_delivery(received_at=timezone.now() - KEPT + timedelta(minutes=1))
    assert (forget_old_bodies(), forget_old_bodies()) == (1, 0)
    old.refresh_from_db()
    young.refresh_from_db()
    assert (bytes(old.body), old.headers, old.body_bytes) == (b"", {}, 2)
    assert bytes(young.body) == b"{}"
    assert not replay_delivery(delivery_id=old.pk)
    assert replay_delivery(delivery_id=young.pk)
