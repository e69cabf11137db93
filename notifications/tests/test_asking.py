"""Messages whose report did not come: Beem is asked, a few times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from django.core.cache import cache
from django.utils import timezone

from notifications.channels.base import Credit
from notifications.models import DeliveryReport, Message
from notifications.services import queue_message, send_queued
from notifications.services.ask_deliveries import LOOKS_AFTER, ask_deliveries
from notifications.services.reports import keep_report
from notifications.services.watch_credit import credits_left, watch_credit

pytestmark = pytest.mark.django_db(transaction=True)

REPORTS_URL = "https://dlrapi.beem.example/public/v1/delivery-reports"
ACCEPTED = {"successful": True, "request_id": 12345, "code": 100, "message": "", "valid": 1}


@pytest.fixture(autouse=True)
def beem(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SMS_CHANNEL = "beem"
    settings.BEEM_API_KEY, settings.BEEM_SECRET_KEY = "fake-key", "fake-secret"
    settings.BEEM_SENDER, settings.BEEM_BASE_URL = "KONEKTIKA", "https://apisms.beem.example"
    monkeypatch.setattr("notifications.tasks.send_message.apply_async", lambda **_: None)
    cache.clear()


@pytest.fixture(autouse=True)
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.post("https://apisms.beem.example/v1/send", json=ACCEPTED)
        yield wire


@pytest.fixture
def sent() -> Callable[..., Message]:
    def sent(key: str = "k") -> Message:
        """A message that Beem took so long ago that it is asked for the first time."""
        queue_message(
            message_id="payment_failed",
            to="+255754123456",
            language="sw",
            context={"reason": "wrong_pin"},
            key=key,
        )
        send_queued(key=key)
        message = Message.objects.get(key=key)
        assert message.ask_at is not None
        assert message.sent_at is not None
        assert message.ask_at - message.sent_at == LOOKS_AFTER[0]
        message.sent_at, message.ask_at = message.sent_at - LOOKS_AFTER[0], message.sent_at
        message.save()
        return message

    return sent


def told(word: str, reference: object = "12345") -> dict[str, object]:
    return {"dest_addr": "255754123456", "request_id": reference, "status": word}


def delivery(message: Message) -> str:
    message.refresh_from_db()
    return message.delivery


@pytest.mark.parametrize(
    ("answer", "expected", "is_asked_again"),
    [
        (told("DELIVERED"), "delivered", False),
        (told("delivered", 12345), "delivered", False),
        ([told("Undelivered")], "undelivered", False),
        ([told("DELIVERED", "999"), told("PENDING")], "pending", True),
        (told("A_NEW_WORD"), "pending", True),
        (told("DELIVERED", "999"), "", True),
        ([], "", True),
    ],
)
def test_beem_tells_whoever_asks(
    wire: responses.RequestsMock,
    sent: Callable[..., Message],
    answer: Any,
    expected: str,
    is_asked_again: bool,
) -> None:
    wire.get(
        REPORTS_URL,
        json=answer,
        match=[
            responses.matchers.query_param_matcher(
                {"dest_addr": "255754123456", "request_id": "12345"}
            )
        ],
    )
    message = sent()
    assert ask_deliveries() == 1
    assert delivery(message) == expected
    assert (message.ask_at is not None) == is_asked_again
    assert ask_deliveries() == 0


def test_it_is_asked_a_few_times_and_then_no_more(
    wire: responses.RequestsMock, sent: Callable[..., Message]
) -> None:
    wire.get(REPORTS_URL, json=told("PENDING"))
    message = sent()
    for after, then in zip(LOOKS_AFTER, [*LOOKS_AFTER[1:], None], strict=True):
        Message.objects.update(sent_at=timezone.now() - after, ask_at=timezone.now())
        assert ask_deliveries() == 1
        message.refresh_from_db()
        waits = message.ask_at and message.sent_at and message.ask_at - message.sent_at
        assert waits == then
    assert delivery(message) == "pending"


@pytest.mark.parametrize(
    ("status", "body", "asked"),
    [(404, "{}", 2), (429, "{}", 1), (401, "no", 1), (503, "", 1), (200, "<html>", 1)],
)
def test_without_an_answer_the_rest_waits(
    wire: responses.RequestsMock,
    sent: Callable[..., Message],
    status: int,
    body: str,
    asked: int,
) -> None:
    wire.get(REPORTS_URL, body=body, status=status)
    sent("first")
    sent("second")
    assert ask_deliveries() == asked
    assert not DeliveryReport.objects.exists()


def test_what_is_reported_is_not_asked_for(sent: Callable[..., Message]) -> None:
    message = sent()
    keep_report(channel="beem", facts=told("UNDELIVERED"))
    assert ask_deliveries() == 0
    assert delivery(message) == "undelivered"


def test_what_stands_is_taken_back_by_nobody(sent: Callable[..., Message]) -> None:
    """Also when the report that said so is forgotten, or was written a moment later than another."""
    message = sent()
    Message.objects.update(delivery="delivered")
    keep_report(channel="beem", facts=told("UNDELIVERED"))
    assert delivery(message) == "delivered"


BALANCE_URL = "https://apisms.beem.example/public/v1/vendors/balance"
USER_URL = "https://at.example/version1/user?username=konektika"


def test_both_are_asked_for_what_is_left_of_our_credit(
    wire: responses.RequestsMock, settings: Any
) -> None:
    settings.AFRICASTALKING_BASE_URL = "https://at.example"
    settings.AFRICASTALKING_USERNAME = "konektika"
    settings.AFRICASTALKING_API_KEY, settings.AFRICASTALKING_SENDER = "fake-key", "KONEKTIKA"
    wire.get(BALANCE_URL, json={"data": {"credit_balance": "412.5"}})
    wire.get(USER_URL, json={"UserData": {"balance": "TZS 1,234.5600"}})
    assert watch_credit() == 2
    assert credits_left() == {
        "beem": Credit(412.5, "SMS"),
        "africastalking": Credit(1234.56, "TZS"),
    }
    asked = wire.calls[1].request
    assert (asked.headers["apiKey"], asked.headers["Accept"]) == ("fake-key", "application/json")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "{}"),
        (200, '{"data": {"credit_balance": "?"}}'),
        (200, "<html>"),
        (401, ""),
        (503, ""),
    ],
)
def test_what_is_not_told_is_not_known(
    wire: responses.RequestsMock, status: int, body: str
) -> None:
    wire.get(BALANCE_URL, body=body, status=status)
    assert watch_credit() == 0
    assert credits_left() == {}


def test_africas_talking_cannot_be_asked(
    wire: responses.RequestsMock, settings: Any, sent: Callable[..., Message]
) -> None:
    settings.SMS_CHANNEL, settings.AFRICASTALKING_BASE_URL = "africastalking", "https://at.example"
    recipient = {"statusCode": 101, "status": "Success", "messageId": "ATXid_1"}
    wire.post(
        "https://at.example/version1/messaging",
        json={"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [recipient]}},
        status=201,
    )
    queue_message(
        message_id="payment_failed",
        to="+255754123456",
        language="sw",
        context={"reason": "wrong_pin"},
        key="at",
    )
    send_queued(key="at")
    message = Message.objects.get(key="at")
    assert (message.state, message.reference, message.ask_at) == ("sent", "ATXid_1", None)
    assert message.delivery == ""  # their "Success" of an answer is no delivery (2.2, trap 3)
