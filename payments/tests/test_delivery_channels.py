"""Over M-Pesa's paths comes more than callbacks of pushes: each kind finds its way from the wire."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from cases.models import Case
from payments import ledger
from payments.models import ProviderCall, Transfer, WebhookDelivery
from payments.providers import registry
from payments.services.apply_delivery import apply_delivery
from payments.states import TransferState
from payments.tests.certificates import certificate
from payments.tests.factories import a_customer

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "/api/webhooks/in/mpesa-path-for-tests"
State = WebhookDelivery.State


@pytest.fixture(autouse=True)
def secret_path(settings: Any) -> None:
    settings.WEBHOOK_TOKENS = {"mpesa-path-for-tests": "mpesa_daraja"}


def deliver(path: str, body: dict[str, Any]) -> WebhookDelivery:
    answer = Client().post(path, json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["ResultCode"]) == (200, 0)
    delivery = WebhookDelivery.objects.latest("pk")
    apply_delivery(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    return delivery


def confirmation(**changes: Any) -> dict[str, Any]:
    return {
        "TransactionType": "Pay Bill",
        "TransID": "RKTQDM7W6S",
        "TransTime": "20261125171500",
        "TransAmount": "700.00",
        "BusinessShortCode": "174379",
        "BillRefNumber": "NOBODYS",
        "MSISDN": "2547 ***** 126",
        "FirstName": "Asha",
        **changes,
    }


def test_a_confirmation_from_the_secret_path_is_money_even_when_nobody_knows_whose() -> None:
    assert deliver(f"{SECRET}/confirmation", confirmation()).state == State.APPLIED
    assert ledger.balance("provider:vodacom_mpesa:collection") == 700
    assert ledger.balance("suspense:vodacom_mpesa") == -700
    assert Case.objects.get().kind == "unplaced_money"


def test_a_confirmation_from_the_open_path_moves_nothing() -> None:
    assert deliver("/api/webhooks/mpesa/confirmation", confirmation()).state == State.HINT
    assert ledger.balance("provider:vodacom_mpesa:collection") == 0


def test_a_queues_time_out_makes_us_ask_and_settles_nothing(
    wire: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MPESA_INITIATOR_NAME, settings.MPESA_INITIATOR_PASSWORD = "api", "fake"
    settings.MPESA_CERTIFICATE = certificate()
    registry.forget_clients()
    asked: list[int] = []
    monkeypatch.setattr(
        "payments.services.apply_delivery.hurry", lambda task, key: asked.append(key)
    )
    payee = a_customer()
    transfer = Transfer.objects.create(
        kind=Transfer.Kind.PAYOUT,
        method=Transfer.Method.DISBURSEMENT,
        state=TransferState.PENDING,
        payee=payee,
        provider="vodacom_mpesa",
        dialect="mpesa_daraja",
        phone=payee.phone or "",
        amount=1000,
        request_key="test",
        why="test",
        posted_at=timezone.now() - timedelta(minutes=1),
    )
    path = f"/api/webhooks/mpesa/timeout/{transfer.callback_token}"
    delivery = deliver(path, {"Result": {"ResultType": 1, "ResultCode": 1}})
    transfer.refresh_from_db()
    assert (delivery.state, delivery.transfer_id) == (State.HINT, transfer.pk)
    assert transfer.state == TransferState.PENDING
    assert asked == [transfer.pk]
    assert not ProviderCall.objects.exists()
    assert len(wire.calls) == 0


def test_a_time_out_of_nothing_of_ours_is_kept_for_staff() -> None:
    assert deliver("/api/webhooks/mpesa/timeout/none", {}).state == State.UNMATCHED
