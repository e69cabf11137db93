""" "I paid, but have no internet": one call that says what is wrong and mends what it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from bundles.models import Subscription
from notifications.models import Message
from payments.models import MobileMoneyTransaction, Payment
from payments.tests.factories import a_customer
from storefront.sentences import NEXT_STEPS, SENTENCES
from vpn.diagnosis import Finding
from vpn.models import Gateway, Peer
from vpn.tests.ailments import WRONG, befall, opened, payments

pytestmark = pytest.mark.django_db(transaction=True)

App = Callable[[User], APIClient]
HELPED = {Finding.NOT_ACTIVATED, Finding.NO_DEVICE, Finding.GATEWAY_BEHIND, Finding.NOT_FETCHED}


def help_me(app: APIClient) -> dict[str, Any]:
    answer: Any = app.post("/api/help/connection")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()["data"]
    return told


def test_everything_that_is_found_has_a_sentence_and_a_step() -> None:
    assert set(SENTENCES) == set(NEXT_STEPS) == set(Finding)


@pytest.mark.parametrize("finding", sorted(set(WRONG) - HELPED - {Finding.WAITING_FOR_PIN}))
def test_what_only_the_customer_or_staff_can_mend_is_said(
    paid: Payment, app_of: App, finding: Finding
) -> None:
    befall(paid, finding)
    told = help_me(app_of(paid.payer))
    assert (told["finding"], told["did"]) == (finding, "")
    assert told["is_online"] == (finding == Finding.ONLINE)
    assert "{" not in told["text"]
    assert told["payment_id"] == paid.public_id


def test_a_time_is_told_as_clocks_in_tanzania_have_it(paid: Payment, app_of: App) -> None:
    befall(paid, Finding.TIME_OVER)
    ended = Subscription.objects.get().ends_at.astimezone(ZoneInfo("Africa/Dar_es_Salaam"))
    assert f"{ended:%d.%m.%Y %H:%M}" in help_me(app_of(paid.payer))["text"]


def test_a_missing_device_is_made(paid: Payment, app_of: App) -> None:
    befall(paid, Finding.NO_DEVICE)
    told = help_me(app_of(paid.payer))
    assert told["did"] == "made_device"
    assert told["config_id"] == Peer.objects.get().pk


def test_what_was_paid_and_not_activated_is_activated(app_of: App, paid: Payment) -> None:
    befall(paid, Finding.NOT_ACTIVATED)
    with patch("storefront.help.follow_up") as activate:
        assert help_me(app_of(paid.payer))["did"] == "activated_again"
    activate.assert_called_once_with(payment_id=paid.pk)


def test_a_gateway_that_is_behind_is_told_again(paid: Payment, app_of: App) -> None:
    befall(paid, Finding.GATEWAY_BEHIND)
    before = Gateway.objects.get().revision
    assert help_me(app_of(paid.payer))["did"] == "told_gateway"
    assert Gateway.objects.get().revision == before + 1


def test_a_configuration_that_was_not_opened_is_sent_once_an_hour(
    paid: Payment, app_of: App
) -> None:
    befall(paid, Finding.NOT_FETCHED)
    before = Message.objects.filter(message_id="vpn_ready").count()
    app = app_of(paid.payer)
    assert [help_me(app)["did"] for _ in range(2)] == ["sent_link", "sent_link"]
    assert Message.objects.filter(message_id="vpn_ready").count() == before + 1


def test_a_provider_that_knows_more_is_asked(paid: Payment, app_of: App) -> None:
    befall(paid, Finding.WAITING_FOR_PIN)
    with patch("storefront.help.ask_now", return_value=True) as ask:
        assert help_me(app_of(paid.payer))["did"] == "asked_provider"
    assert ask.call_args.kwargs["payment"] == paid


def test_who_has_bought_nothing_is_told_so(app_of: App) -> None:
    told = help_me(app_of(a_customer()))
    assert (told["finding"], told["payment_id"]) == ("nothing_bought", None)
    assert told["next_step"]["code"] == "buy"


def test_nobody_asks_for_ever(paid: Payment, app_of: App) -> None:
    app = app_of(paid.payer)
    answers = [app.post("/api/help/connection").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


# --- a payment's way ---


def timeline(app: APIClient, name: str) -> Any:
    return app.get(f"/api/payments/timeline/{name}")


def test_a_payment_is_told_from_the_first_step_to_the_last(paid: Payment, app_of: App) -> None:
    MobileMoneyTransaction.objects.update(posted_at=paid.created_at)
    opened(paid)
    User.objects.update(language="en")
    told = timeline(app_of(paid.payer), paid.public_id).json()["data"]
    assert [step["event"] for step in told["steps"]] == ["started", "asked", "paid", "ready"]
    assert told["steps"][1]["text"] == "M-Pesa was asked to charge the phone."
    assert told["steps"] == sorted(told["steps"], key=lambda step: step["at"])
    assert told["now"]
    assert told["next_step"]["code"]


def test_a_payment_that_failed_says_why(paid: Payment, app_of: App) -> None:
    paid.events.create(to_state="failed", source="webhook")
    MobileMoneyTransaction.objects.update(reason="wrong_pin")
    payments(state="failed", disposition="")(paid)
    User.objects.update(language="en")
    told = timeline(app_of(paid.payer), paid.public_id).json()["data"]
    assert "wrong PIN" in next(step for step in told["steps"] if step["event"] == "failed")["text"]
    assert told["next_step"]["code"] == "buy"


def test_money_that_goes_back_is_told(paid: Payment, app_of: App) -> None:
    from vpn.tests.ailments import sent_back

    sent_back(paid)
    told = timeline(app_of(paid.payer), paid.public_id).json()["data"]
    assert "refund_started" in [step["event"] for step in told["steps"]]


def test_somebody_elses_payment_is_not_found(paid: Payment, app_of: App) -> None:
    for name in (paid.public_id, paid.attempts.get().reference, "nothing", "%00"):
        assert timeline(app_of(a_customer()), name).status_code == 404
