"""Each event tells once, in the person's language."""

from __future__ import annotations

import logging
from datetime import timedelta
from string import Formatter
from typing import Any

import pytest
from django.utils import timezone

from notifications.messages import REASONS, TEXTS, render
from notifications.models import Message
from notifications.segments import segments
from notifications.services import queue_message, send_queued, sweep_outbox

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+255754123456"


def queue(key: str = "k", language: str = "sw") -> Message:
    queue_message(
        message_id="payment_failed",
        to=PHONE,
        language=language,
        context={"reason": "wrong_pin"},
        key=key,
    )
    return Message.objects.get(key=key)


def test_the_same_event_is_told_once() -> None:
    assert queue() == queue()
    assert Message.objects.count() == 1


def test_the_reason_is_told_in_the_persons_language() -> None:
    assert "PIN si sahihi" in queue("a", "sw").text
    assert "wrong PIN" in queue("b", "en").text


def test_a_message_is_sent_once_although_the_task_runs_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    message = queue()
    with caplog.at_level(logging.INFO, logger="konektika.sms"):
        send_queued(key=message.key)
        send_queued(key=message.key)
    assert len([line for line in caplog.records if line.name == "konektika.sms"]) == 1
    assert PHONE not in caplog.text
    message.refresh_from_db()
    assert message.state == Message.State.SENT


def test_a_sender_that_died_leaves_a_doubt_and_no_second_sms() -> None:
    message = queue()
    past = timezone.now() - timedelta(minutes=2)
    Message.objects.update(state=Message.State.SENDING, next_attempt_at=past)
    sweep_outbox()
    send_queued(key=message.key)
    message.refresh_from_db()
    assert message.state == Message.State.UNKNOWN


def test_a_message_whose_hurry_was_lost_is_found() -> None:
    queue()
    assert sweep_outbox() == 0
    Message.objects.update(next_attempt_at=timezone.now())
    assert sweep_outbox() == 1


def test_both_languages_say_the_same_with_the_same_facts() -> None:
    for message_id, texts in TEXTS.items():
        fields = [{name for _, name, _, _ in Formatter().parse(text)} for text in texts.values()]
        assert set(texts) == {"sw", "en"}, message_id
        assert fields[0] == fields[1], message_id
    assert all(set(words) == {"sw", "en"} for words in REASONS.values())


LONGEST: dict[str, Any] = {
    "amount": 2**31 - 1,
    "missing": 2**31 - 1,
    "bundle": "B" * 100,
    "receipt": "MP250101.1234.A56789",
    "until": "26.12.2026 18:30",
    "link": f"https://customers.konektika.example/vpn/c/{'x' * 24}",
    "code": "042195",
    "percent": 100,
    "left": "1000.0 GB",
    "data": "1000.0 GB",
    "giver": "G" * 20,
    "why": "Picha ya mkataba \u2018haionekani\u2019 \U0001f600. " * 8,
}


@pytest.mark.parametrize("language", ["sw", "en"])
def test_the_longest_text_is_two_sms_of_seven_bits(language: str) -> None:
    for message_id in TEXTS:
        for reason in REASONS if message_id == "payment_failed" else ("",):
            words = LONGEST | ({"reason": reason} if reason else {})
            key = f"{message_id}{reason}"
            queue_message(
                message_id=message_id, to=PHONE, language=language, context=words, key=key
            )
            told = segments(Message.objects.get(key=key).text)
            assert (told.alphabet, told.parts <= 2) == ("GSM-7", True), (message_id, told)


def test_an_e_mail_says_all_of_it_in_the_letters_that_it_has() -> None:
    why = "\u0141\u00e4kk " * 50
    queue_message(
        message_id="owner_declined",
        to="asha@example.com",
        language="en",
        context={"why": why},
        key="letter",
    )
    assert Message.objects.get(key="letter").text.endswith(why)


def test_an_unknown_reason_is_still_a_sentence() -> None:
    assert "declined" in render("payment_failed", "en", {"reason": "from_the_future"})
