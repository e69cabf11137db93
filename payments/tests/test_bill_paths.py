"""Every path that a provider is given leads to a stored delivery of the right kind and dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from payments.models import WebhookDelivery
from payments.services.apply_delivery import apply_delivery
from payments.states import State
from payments.tests.bills import c2b
from payments.tests.conftest import SECRET_PATH
from payments.tests.factories import a_payment, reload
from payments.tests.test_webhooks import stk

pytestmark = pytest.mark.django_db(transaction=True)

OPEN_API = {
    "input_OriginalConversationID": "c-1",
    "input_TransactionID": "hv9a",
    "input_ResultCode": "INS-0",
    "input_ResultDesc": "ok",
    "input_ThirdPartyConversationID": "0123456789AB",
}
PREFIXES = ["mpesa", f"in/{SECRET_PATH}"]


@pytest.fixture(autouse=True)
def mpesa(settings: Any) -> None:
    settings.WEBHOOK_TOKENS = {SECRET_PATH: "mpesa_daraja"}


def post(path: str, body: dict[str, Any]) -> tuple[WebhookDelivery, dict[str, Any]]:
    answer = Client().post(
        f"/api/webhooks/{path}", json.dumps(body), content_type="application/json"
    )
    assert answer.status_code == 200
    return WebhookDelivery.objects.latest("id"), answer.json()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("path", "channel", "token"),
    [
        ("result/abc", "callback", "abc"),
        ("timeout/abc", "timeout", "abc"),
        ("confirmation", "callback", ""),
        ("abc", "callback", "abc"),
    ],
)
def test_a_callback_is_stored_acknowledged_and_due(
    prefix: str, path: str, channel: str, token: str
) -> None:
    delivery, answer = post(f"{prefix}/{path}", c2b())
    assert (delivery.channel, delivery.attempt_token) == (channel, token)
    assert (delivery.dialect, delivery.state) == ("mpesa_daraja", "received")
    assert delivery.next_try_at is not None
    assert answer["ResultCode"] == 0


@pytest.mark.parametrize("chosen", ["mpesa_daraja", "mpesa_openapi"])
@pytest.mark.parametrize(
    "path", ["mpesa", "mpesa/abc", f"in/{SECRET_PATH}", f"in/{SECRET_PATH}/abc"]
)
def test_the_body_says_which_of_the_two_dialects_it_speaks(
    settings: Any, chosen: str, path: str
) -> None:
    settings.WEBHOOK_TOKENS = {SECRET_PATH: chosen}
    delivery, answer = post(path, OPEN_API)
    assert delivery.dialect == "mpesa_openapi"
    assert answer["output_ThirdPartyConversationID"] == "0123456789AB"
    delivery, answer = post(path, stk())
    assert delivery.dialect == "mpesa_daraja"
    assert answer["ResultCode"] == 0


def test_a_callback_under_result_is_known_by_its_token() -> None:
    attempt = a_payment()
    delivery, _ = post(f"mpesa/result/{attempt.callback_token}", stk())
    apply_delivery(delivery_id=delivery.pk)
    assert reload(attempt)[1].state == State.COMPLETED


def test_other_providers_have_none_of_these_paths(settings: Any) -> None:
    settings.WEBHOOK_TOKENS = {SECRET_PATH: "tigo_pesa"}
    for path in ("confirmation", "result/abc", "timeout/abc", "validation"):
        assert Client().post(f"/api/webhooks/in/{SECRET_PATH}/{path}").status_code == 404
    assert not WebhookDelivery.objects.exists()
