"""Delivery reports, by their secret path, in whatever order they come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from notifications.models import DeliveryReport, Message, OptOut
from notifications.services.opt_outs import HOLDERS_OWN
from notifications.services.reports import apply_reports, keep_report

pytestmark = pytest.mark.django_db

PATHS = {"beem": "beem-secret", "africastalking": "at-secret"}


@pytest.fixture(autouse=True)
def paths(settings: Any) -> None:
    settings.WEBHOOK_TOKENS = {token: name for name, token in PATHS.items()}


def accepted(channel: str, reference: str) -> Message:
    return Message.objects.create(
        key=reference,
        message_id="payment_failed",
        to="+255754123456",
        language="sw",
        text="Habari",
        state=Message.State.SENT,
        channel=channel,
        reference=reference,
        sent_at=timezone.now(),
        next_attempt_at=None,
    )


def delivery(message: Message) -> str:
    message.refresh_from_db()
    return message.delivery


def beem_says(word: str, name: str = "Status", reference: object = 12345) -> dict[str, Any]:
    return {
        "request_id": reference,
        "recipient_id": 1,
        "dest_addr": "255754123456",
        name: word,
    }


def post_json(client: Client, facts: Any, token: str = PATHS["beem"]) -> Any:
    path = f"/api/webhooks/in/{token}"
    return client.post(path, data=facts, content_type="application/json")


@pytest.mark.parametrize("name", ["Status", "status"])
def test_beem_reports_in_json(client: Client, name: str) -> None:
    message = accepted("beem", "12345")
    answer = post_json(client, beem_says("DELIVERED", name))
    assert answer.status_code == 200
    assert answer.json() == {"request_id": 12345, "successful": True}  # as it came
    assert delivery(message) == "delivered"


def test_africas_talking_reports_by_a_form(client: Client) -> None:
    message = accepted("africastalking", "ATXid_1")
    path = f"/api/webhooks/in/{PATHS['africastalking']}"
    facts = {
        "id": "ATXid_1",
        "status": "Failed",
        "phoneNumber": "+255754123456",
        "networkCode": "64004",
        "failureReason": "UserIsInactive",
    }
    body = "&".join(f"{name}={value}" for name, value in facts.items())
    answer = client.post(path, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert delivery(message) == "undelivered"
    kept = DeliveryReport.objects.get()
    assert (kept.word, kept.facts["failureReason"]) == ("Failed", "UserIsInactive")
    assert "754123456" not in str(kept.facts)


def form(client: Client, **facts: str) -> int:
    path = f"/api/webhooks/in/{PATHS['africastalking']}"
    content_type = "application/x-www-form-urlencoded"
    status: int = client.post(path, data=urlencode(facts), content_type=content_type).status_code
    return status


def test_who_opts_out_with_africas_talking_is_noted_once(client: Client) -> None:
    accepted("africastalking", "ATXid_1")
    told = {"id": "ATXid_1", "status": "Failed", "failureReason": "UserInBlackList"}
    assert form(client, **told) == 200
    assert form(client, senderId="KONEKTIKA", phoneNumber="+255754123456") == 200
    assert form(client, senderId="KONEKTIKA", phoneNumber="+255754000111") == 200
    noted = OptOut.objects.order_by("pk").values_list("phone", "why")
    assert list(noted) == [
        ("+255754123456", "its holder wrote to the sender"),
        ("+255754000111", "its holder wrote to the sender"),
    ]
    assert DeliveryReport.objects.count() == 1


@pytest.mark.parametrize(
    ("why", "sent_before", "is_over"),
    [
        ("406: UserInBlacklist", timedelta(0), True),
        ("406: UserInBlacklist", timedelta(hours=1), False),  # a late report, of a time before it
        (HOLDERS_OWN, timedelta(0), False),
    ],
)
def test_a_channels_own_list_ends_with_a_delivery_and_a_persons_wish_does_not(
    why: str, sent_before: timedelta, is_over: bool
) -> None:
    wish = OptOut.objects.create(phone="+255754123456", channel="africastalking", why=why)
    accepted("africastalking", "ATXid_1")
    Message.objects.update(sent_at=wish.since + timedelta(seconds=1) - sent_before)
    for word in ("Sent", "Success"):
        assert OptOut.objects.exists()
        keep_report(channel="africastalking", facts={"id": "ATXid_1", "status": word})
    assert OptOut.objects.exists() != is_over


@pytest.mark.parametrize("phone", ["", "+254712345678", "x"])
def test_an_opt_out_of_no_number_of_ours_is_noted_for_nobody(client: Client, phone: str) -> None:
    assert form(client, senderId="KONEKTIKA", phoneNumber=phone) == 200
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["PENDING"], "pending"),
        (["A_NEW_WORD"], "pending"),
        (["DELIVERED", "PENDING"], "delivered"),
        (["undelivered", "DELIVERED"], "undelivered"),
        (["DELIVERED", "DELIVERED"], "delivered"),
    ],
)
def test_a_final_state_never_goes_back(words: list[str], expected: str) -> None:
    message = accepted("beem", "12345")
    for word in words:
        keep_report(channel="beem", facts=beem_says(word))
    assert delivery(message) == expected
    assert set(DeliveryReport.objects.values_list("word", flat=True)) == set(words)


def test_a_report_that_overtakes_the_answer_is_not_lost() -> None:
    keep_report(channel="beem", facts=beem_says("DELIVERED"))
    message = accepted("beem", "12345")
    apply_reports(channel="beem", reference="12345")
    assert delivery(message) == "delivered"


def test_a_report_of_another_channel_says_nothing_of_ours() -> None:
    message = accepted("africastalking", "12345")
    keep_report(channel="beem", facts=beem_says("DELIVERED"))
    assert delivery(message) == ""


def test_a_report_that_names_nothing_is_kept_and_touches_nothing(client: Client) -> None:
    message = accepted("beem", "")
    assert post_json(client, beem_says("DELIVERED", reference="")).status_code == 200
    assert delivery(message) == ""


@pytest.mark.parametrize(
    ("body", "status"), [("[1]", 400), ("{", 400), ("", 400), ("x" * 20_000, 413)]
)
def test_what_is_no_report_is_not_kept(client: Client, body: str, status: int) -> None:
    assert post_json(client, body).status_code == status
    assert not DeliveryReport.objects.exists()


@pytest.mark.parametrize("path", ["guessed", "beem-secret/more", "beem-secret/result/x"])
def test_another_path_is_nobodys(client: Client, path: str) -> None:
    accepted("beem", "12345")
    assert post_json(client, beem_says("DELIVERED"), token=path).status_code == 404
    assert not DeliveryReport.objects.exists()
