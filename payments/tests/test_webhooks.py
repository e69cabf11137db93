"""What a provider, or somebody who pretends to be one, may send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from cases.models import Case
from payments.models import Disposition, Posting, ProviderName, WebhookDelivery
from payments.services.apply_delivery import UNMATCHED_RETRY_SECONDS, apply_delivery
from payments.services.sweep import sweep_deliveries
from payments.states import State
from payments.tests.conftest import CALLBACK_KEY, SECRET_PATH
from payments.tests.factories import a_payment, reload

pytestmark = pytest.mark.django_db(transaction=True)

TIGO_SECRET = f"/api/webhooks/in/{SECRET_PATH}"


def tigo(reference: str, **changes: Any) -> dict[str, Any]:
    return {
        "Status": True,
        "Description": "Paid",
        "MFSTransactionID": "MFS1",
        "ReferenceID": f"KNK{reference}",
        "Amount": "1000",
        **changes,
    }


def stk(code: int = 0, amount: float = 1000) -> dict[str, Any]:
    items = [{"Name": "Amount", "Value": amount}, {"Name": "MpesaReceiptNumber", "Value": "NLJ1"}]
    callback: dict[str, Any] = {
        "MerchantRequestID": "m-1",
        "CheckoutRequestID": "ws_CO_9",
        "ResultCode": code,
        "ResultDesc": "text",
    }
    if code == 0:
        callback["CallbackMetadata"] = {"Item": items}
    return {"Body": {"stkCallback": callback}}


def airtel(reference: str, key: str = CALLBACK_KEY, status: str = "TS") -> bytes:
    transaction = json.dumps(
        {
            "id": reference,
            "message": "Paid",
            "status_code": status,
            "airtel_money_id": "MP210603.1234.L06941",
        },
        separators=(",", ":"),
    )
    digest = base64.b64encode(
        hmac.new(key.encode(), transaction.encode(), hashlib.sha256).digest()
    ).decode()
    return f'{{"transaction":{transaction},"hash":"{digest}"}}'.encode()


def deliver(path: str, body: dict[str, Any] | bytes, **headers: Any) -> tuple[int, Any]:
    """Post a callback and process what was stored; returns the answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Client().post(path, raw, content_type="application/json", **headers)
    for delivery in WebhookDelivery.objects.filter(next_try_at__isnull=False):
        apply_delivery(delivery_id=delivery.pk)
    return answer.status_code, answer


def test_tigo_by_the_secret_path_is_evidence() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    status, answer = deliver(TIGO_SECRET, tigo(attempt.reference))
    assert status == 200
    assert answer.json()["ResponseCode"] == "BILLER-18-0000-S"
    assert reload(attempt)[1].state == State.COMPLETED
    assert WebhookDelivery.objects.get().state == "applied"


def test_a_repeated_callback_changes_nothing() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    for _ in range(3):
        assert deliver(TIGO_SECRET, tigo(attempt.reference))[0] == 200
    assert Posting.objects.count() == 1
    assert list(WebhookDelivery.objects.order_by("id").values_list("state", flat=True)) == [
        "applied",
        "repeated",
        "repeated",
    ]


def test_an_unsigned_callback_from_anywhere_is_only_a_hint() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    assert deliver("/api/webhooks/tigo-pesa", tigo(attempt.reference))[0] == 200
    assert reload(attempt)[1].state == State.INITIATED
    assert WebhookDelivery.objects.get().state == "hint"
    assert Case.objects.get().kind == "unanswerable_hint"


def test_a_callback_from_the_allow_list_is_evidence(settings: Any) -> None:
    settings.TIGO_PESA_CALLBACK_SOURCES = [ip_network("127.0.0.0/8")]
    attempt = a_payment(ProviderName.TIGO_PESA)
    deliver("/api/webhooks/tigo-pesa", tigo(attempt.reference))
    assert reload(attempt)[1].state == State.COMPLETED


def test_a_callback_from_outside_the_allow_list_is_quarantined(settings: Any) -> None:
    settings.TIGO_PESA_CALLBACK_SOURCES = [ip_network("10.9.8.0/24")]
    attempt = a_payment(ProviderName.TIGO_PESA)
    assert deliver("/api/webhooks/tigo-pesa", tigo(attempt.reference))[0] == 403
    assert reload(attempt)[1].state == State.INITIATED
    assert WebhookDelivery.objects.get().trust == "quarantined"


def test_a_forwarded_source_counts_only_behind_a_trusted_proxy(settings: Any) -> None:
    settings.TIGO_PESA_CALLBACK_SOURCES = [ip_network("10.9.8.0/24")]
    attempt = a_payment(ProviderName.TIGO_PESA)
    forwarded = {"HTTP_X_FORWARDED_FOR": "10.9.8.7"}
    assert deliver("/api/webhooks/tigo-pesa", tigo(attempt.reference), **forwarded)[0] == 403
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    assert deliver("/api/webhooks/tigo-pesa", tigo(attempt.reference), **forwarded)[0] == 200
    assert reload(attempt)[1].state == State.COMPLETED


def test_a_webhook_answers_without_what_is_meant_for_people(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True  # a redirected POST would be lost
    answer = Client().post(TIGO_SECRET, tigo("NONE"), content_type="application/json")
    assert answer.status_code == 200
    assert set(answer.headers) == {"Content-Type", "Content-Length"}
    assert int(answer["Content-Length"]) == len(answer.content)


def test_a_wrong_secret_path_is_not_found() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    assert deliver("/api/webhooks/in/guessed", tigo(attempt.reference))[0] == 404
    assert not WebhookDelivery.objects.exists()


def test_daraja_is_known_by_the_attempts_own_token() -> None:
    attempt = a_payment()
    status, answer = deliver(f"/api/webhooks/mpesa/{attempt.callback_token}", stk())
    assert (status, answer.json()["ResultCode"]) == (200, 0)
    attempt, payment = reload(attempt)
    assert payment.state == State.COMPLETED
    assert attempt.provider_transaction_id == "NLJ1"


def test_daraja_with_a_known_handle_but_no_token_is_a_hint() -> None:
    attempt = a_payment()
    attempt.provider_reference = "ws_CO_9"
    attempt.save()
    deliver("/api/webhooks/mpesa", stk())
    assert reload(attempt)[1].state == State.INITIATED


def test_anothers_token_does_not_pay_for_this_handle() -> None:
    mine, other = a_payment(), a_payment()
    mine.provider_reference = "ws_CO_1"
    mine.save()
    deliver(f"/api/webhooks/mpesa/{mine.callback_token}", stk())
    assert reload(mine)[1].state == State.INITIATED
    assert reload(other)[1].state == State.INITIATED
    assert Case.objects.get().kind == "wrong_details"


def test_a_valid_airtel_hash_is_evidence_by_any_path() -> None:
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    assert deliver("/api/webhooks/airtel-money", airtel(attempt.reference))[0] == 200
    assert reload(attempt)[1].state == State.COMPLETED


def test_a_wrong_airtel_hash_is_never_evidence(settings: Any) -> None:
    settings.WEBHOOK_TOKENS = {SECRET_PATH: "airtel_money"}
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    assert deliver(TIGO_SECRET, airtel(attempt.reference, key="wrong"))[0] == 200
    assert reload(attempt)[1].state == State.INITIATED
    assert WebhookDelivery.objects.get().state == "hint"


def test_a_hint_makes_us_ask_the_provider(wire: responses.RequestsMock) -> None:
    attempt = a_payment(ProviderName.AIRTEL_MONEY)
    attempt.posted_at = timezone.now() - timedelta(minutes=4)
    attempt.status = State.PENDING
    attempt.save()
    attempt.payment.state = State.PENDING
    attempt.payment.save()
    deliver("/api/webhooks/airtel-money", airtel(attempt.reference, key="wrong"))
    assert reload(attempt)[1].state == State.PENDING
    assert not Case.objects.exists()


def test_a_smaller_amount_is_credit_and_nothing_is_activated() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    deliver(TIGO_SECRET, tigo(attempt.reference, Amount="400"))
    payment = reload(attempt)[1]
    assert payment.disposition == Disposition.CREDITED
    assert Case.objects.get().kind == "underpaid"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"Status": true',
        b"<xml/>",
        b"\xff\xfe{\x00}\x00",
        b"[]",
        b'{"Status":"maybe","ReferenceID":"KNKX","Amount":"1"}',
        b'{"Status":true,"ReferenceID":"KNKX","Amount":"1e400"}',
        b'{"Status":true,"ReferenceID":"KNKX","Amount":NaN}',
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_rubbish_is_kept_and_acknowledged_and_moves_nothing(body: bytes) -> None:
    assert deliver(TIGO_SECRET, body)[0] == 200
    delivery = WebhookDelivery.objects.get()
    assert bytes(delivery.body) == body
    assert delivery.state == "malformed"
    assert not Posting.objects.exists()


def test_a_body_over_64_kib_is_refused_and_its_start_is_kept() -> None:
    status, _ = deliver(TIGO_SECRET, b"x" * (64 * 1024 + 1))
    assert status == 413
    delivery = WebhookDelivery.objects.get()
    assert len(delivery.body) == 64 * 1024
    assert delivery.state == "refused"


def test_a_callback_for_an_unknown_reference_becomes_a_case_after_a_minute() -> None:
    deliver(TIGO_SECRET, tigo("NOBODYKNOWS1"))
    delivery = WebhookDelivery.objects.get()
    assert delivery.state == "received"
    for _ in UNMATCHED_RETRY_SECONDS:
        apply_delivery(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == "unmatched"
    assert Case.objects.get().kind == "unmatched_delivery"


def test_a_delivery_whose_message_was_lost_is_found_by_the_sweep() -> None:
    attempt = a_payment(ProviderName.TIGO_PESA)
    Client().post(TIGO_SECRET, json.dumps(tigo(attempt.reference)), content_type="text/plain")
    WebhookDelivery.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    assert sweep_deliveries() == 1
    assert sweep_deliveries() == 0


def test_only_post_is_answered() -> None:
    assert Client().get("/api/webhooks/mpesa").status_code == 405


def test_a_worker_that_dies_before_the_case_is_open_leaves_the_delivery_to_the_sweep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Client().post(TIGO_SECRET, json.dumps(tigo("NOBODY")), content_type="application/json")
    delivery = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(tries=len(UNMATCHED_RETRY_SECONDS))

    def killed(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("payments.services.apply_delivery.open_case", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_delivery(delivery_id=delivery.pk)
    apply_delivery(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == WebhookDelivery.State.UNMATCHED
    assert Case.objects.get().kind == "unmatched_delivery"
