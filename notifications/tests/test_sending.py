"""What becomes of a message, as its channel answers and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from notifications.channels import registry
from notifications.channels.base import (
    Channel,
    HeldBack,
    InDoubt,
    Misconfigured,
    NotAccepted,
    OutOfCredit,
    TurnedAway,
    Unreachable,
    Unwanted,
)
from notifications.models import Message, OptOut
from notifications.services import queue_message, send_queued, sweep_outbox
from notifications.services.reports import keep_report

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+255754123456"
CONTEXTS: dict[str, dict[str, Any]] = {
    "payment_received": {"amount": 1000, "bundle": "Daily", "receipt": "SKC7XYZ123"},
    "payment_failed": {"reason": "wrong_pin"},
    "code_reset_password": {"code": "042195"},
    "never_connected": {"bundle": "Daily"},
    "data_used": {"bundle": "Daily", "percent": 80, "left": "2 GB"},
    "ends_soon": {"bundle": "Daily", "until": "27.11.2026 18:30"},
}


class Scripted:
    """A channel whose sendings end as they are told to, in their order, and then well."""

    def __init__(self, name: str = "beem") -> None:
        self.name = name
        self.ends: list[Exception] = []
        self.sent = 0

    def send(self, *, to: str, text: str, subject: str) -> str:
        self.sent += 1
        if self.ends:
            raise self.ends.pop(0)
        return f"request-{self.sent}"


@pytest.fixture(autouse=True)
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    channel = Scripted()
    monkeypatch.setattr("notifications.tasks.send_message.apply_async", lambda **_: None)
    monkeypatch.setitem(registry.SMS_CHANNELS, "console", lambda: channel)
    registry.breaker.cache_clear()
    yield channel
    registry.breaker.cache_clear()


@pytest.fixture
def queue() -> Callable[[str], Message]:
    def queue(message_id: str) -> Message:
        queue_message(
            message_id=message_id,
            to=PHONE,
            language="sw",
            context=CONTEXTS[message_id],
            key=message_id,
        )
        return Message.objects.get(key=message_id)

    return queue


def sent(message: Message) -> Message:
    """After one more try."""
    send_queued(key=message.key)
    message.refresh_from_db()
    return message


def pause(message: Message) -> float:
    """Seconds until the next try."""
    assert message.next_attempt_at is not None
    return round((message.next_attempt_at - timezone.now()).total_seconds() / 10) * 10


def test_what_is_accepted_is_never_sent_again(
    channel: Scripted, queue: Callable[[str], Message]
) -> None:
    message = sent(sent(queue("payment_failed")))
    assert (message.state, message.reference, channel.sent) == ("sent", "request-1", 1)


def test_a_refusal_that_may_pass_is_tried_again_later_and_later(
    channel: Scripted, queue: Callable[[str], Message]
) -> None:
    channel.ends = [NotAccepted("no balance") for _ in range(5)]
    message = queue("payment_failed")
    assert [pause(sent(message)) for _ in range(5)] == [30, 120, 600, 600, 600]
    assert message.state == "queued"
    assert sent(message).state == "sent"


@pytest.mark.parametrize("of", [partial(NotAccepted, permanent=True), Misconfigured])
def test_a_refusal_that_stays_is_not_tried_again(
    channel: Scripted,
    queue: Callable[[str], Message],
    caplog: pytest.LogCaptureFixture,
    of: Callable[[str], Exception],
) -> None:
    channel.ends = [of(f"{PHONE} is no reader of 255754123456")]
    message = sent(sent(queue("payment_failed")))
    assert (message.state, channel.sent) == ("failed", 1)
    assert "is no reader of" in message.error
    assert "754123456" not in message.error + caplog.text


def test_what_a_network_turned_away_is_tried_once_more(
    channel: Scripted, queue: Callable[[str], Message]
) -> None:
    channel.ends = [TurnedAway("502"), TurnedAway("502")]
    message = queue("payment_failed")
    assert pause(sent(message)) == 30
    assert (sent(sent(message)).state, channel.sent) == ("failed", 2)


@pytest.mark.parametrize(
    ("message_id", "sendings"),
    [("payment_received", 2), ("payment_failed", 1), ("code_reset_password", 1)],
)
def test_a_doubt_is_sent_again_once_where_the_text_names_its_receipt(
    channel: Scripted, queue: Callable[[str], Message], message_id: str, sendings: int
) -> None:
    channel.ends = [InDoubt("time-out"), InDoubt("time-out")]
    message = queue(message_id)
    for _ in range(3):
        sent(message)
    assert (message.state, channel.sent, message.doubts) == ("unknown", sendings, sendings)


def test_what_was_in_doubt_is_never_called_failed(
    channel: Scripted, queue: Callable[[str], Message]
) -> None:
    channel.ends = [InDoubt("time-out"), NotAccepted("number", permanent=True)]
    assert sent(sent(queue("payment_received"))).state == "unknown"


@pytest.mark.parametrize(
    ("message_id", "good_for"),
    [("code_reset_password", timedelta(minutes=5)), ("payment_failed", timedelta(hours=24))],
)
def test_what_is_too_old_is_not_sent(
    channel: Scripted, queue: Callable[[str], Message], message_id: str, good_for: timedelta
) -> None:
    message = queue(message_id)
    assert message.expires_at is not None
    assert abs(message.expires_at - timezone.now() - good_for) < timedelta(seconds=5)
    Message.objects.update(expires_at=timezone.now())
    assert sent(message).state == "queued"
    assert sweep_outbox() == 0
    message.refresh_from_db()
    assert (message.state, channel.sent) == ("failed", 0)


def test_a_channel_that_fails_for_everybody_is_left_alone(
    channel: Scripted, queue: Callable[[str], Message]
) -> None:
    """The messages wait, and no try is counted."""
    channel.ends = [HeldBack("left alone")]
    message = sent(queue("code_reset_password"))
    assert (message.state, message.attempts, pause(message)) == ("queued", 0, 30)


def test_who_wants_no_messages_is_not_reminded_and_hears_of_money(
    channel: Scripted, queue: Callable[[str], Message]
) -> None:
    channel.ends = [Unwanted("406: UserInBlacklist")]
    assert sent(queue("payment_failed")).state == "failed"
    wish = OptOut.objects.get()
    assert (wish.phone, wish.channel, wish.why) == (PHONE, "beem", "406: UserInBlacklist")
    assert (sent(queue("never_connected")).state, channel.sent) == ("failed", 1)
    assert (sent(queue("payment_received")).state, channel.sent) == ("sent", 2)
    assert sent(queue("ends_soon")).state == "failed"  # to be accepted is not to be delivered
    keep_report(channel="beem", facts={"request_id": "request-2", "Status": "DELIVERED"})
    assert not OptOut.objects.exists()
    assert sent(queue("data_used")).state == "sent"


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch, settings: Any, channel: Scripted) -> Scripted:
    """Another channel with all its settings, behind the one that is chosen."""
    second = Scripted("africastalking")
    monkeypatch.setitem(registry.SMS_CHANNELS, "beem", lambda: channel)
    monkeypatch.setitem(registry.SMS_CHANNELS, second.name, lambda: second)
    settings.SMS_CHANNEL = "beem"
    for name in registry.CREDENTIALS[second.name]:
        setattr(settings, name, "set")
    return second


@pytest.mark.parametrize(
    "trouble",
    [
        Unreachable("refused"),
        HeldBack("x"),
        OutOfCredit("102"),
        TurnedAway("502"),
        Misconfigured("108"),
    ],
)
def test_a_channel_that_sends_nothing_for_anybody_is_stood_in_for(
    channel: Scripted, second: Scripted, queue: Callable[[str], Message], trouble: Exception
) -> None:
    channel.ends = [trouble]
    message = sent(sent(queue("code_reset_password")))
    assert (message.state, message.channel, message.attempts) == ("sent", "africastalking", 1)
    assert (second.sent, message.error) == (1, str(trouble))


@pytest.mark.parametrize(
    "end", [InDoubt("time-out"), NotAccepted("number", permanent=True), NotAccepted("too many")]
)
def test_what_may_be_out_or_is_about_one_number_goes_by_no_other_channel(
    channel: Scripted, second: Scripted, queue: Callable[[str], Message], end: Exception
) -> None:
    channel.ends = [end]
    message = sent(queue("payment_failed"))
    assert (message.channel, second.sent) == ("beem", 0)


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ((Misconfigured("key"), OutOfCredit("405")), "queued"),
        ((OutOfCredit("102"), Misconfigured("sender")), "queued"),
        ((Misconfigured("key"), Misconfigured("sender")), "failed"),
        ((Unreachable("refused"), InDoubt("time-out")), "unknown"),
        ((HeldBack("x"), NotAccepted("number", permanent=True)), "failed"),
    ],
)
def test_where_both_refuse_it_waits_for_the_one_that_may_send_again(
    channel: Scripted,
    second: Scripted,
    queue: Callable[[str], Message],
    ends: tuple[Exception, Exception],
    state: str,
) -> None:
    channel.ends, second.ends = [ends[0]], [ends[1]]
    assert sent(queue("payment_failed")).state == state


def test_a_channel_without_its_settings_stands_in_for_nobody(
    channel: Scripted, second: Scripted, queue: Callable[[str], Message], settings: Any
) -> None:
    settings.AFRICASTALKING_API_KEY = ""
    channel.ends = [OutOfCredit("102")]
    assert (sent(queue("payment_failed")).state, second.sent) == ("queued", 0)


def test_an_address_gets_an_e_mail() -> None:
    queue_message(
        message_id="payout_sent",
        to="asha@example.com",
        language="en",
        context={"amount": 17_000, "receipt": "SKC7XYZ123"},
        key="payout",
    )
    message = sent(Message.objects.get(key="payout"))
    assert (message.state, message.channel) == ("sent", "email")
    [letter] = mail.outbox
    assert letter.to == ["asha@example.com"]
    assert letter.subject == "Konektika: your earnings are paid"
    assert "TZS 17,000" in letter.body


def test_a_channel_is_what_the_outbox_takes(channel: Scripted) -> None:
    taken: Channel = channel
    assert taken.name in registry.REPORTS
