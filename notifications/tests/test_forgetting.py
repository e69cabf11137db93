"""What messages said and to whom is not kept for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import DeliveryReport, Message
from notifications.preview import EXAMPLES
from notifications.services import queue_message
from notifications.services.forget_messages import KEPT, SECRETS_KEPT, forget_old_messages
from notifications.services.send_again import why_not_again

pytestmark = pytest.mark.django_db(transaction=True)

A_MOMENT = timedelta(minutes=1)


def told(message_id: str, age: timedelta) -> Message:
    """A message of that age whose sending is over."""
    queue_message(
        message_id=message_id, to="+255754123456", language="en", context=EXAMPLES, key=message_id
    )
    Message.objects.filter(key=message_id).update(
        created_at=timezone.now() - age, next_attempt_at=None, state="sent", error="+255754123456"
    )
    return Message.objects.get(key=message_id)


def test_after_ninety_days_a_message_names_nobody() -> None:
    old, young = told("payment_received", KEPT + A_MOMENT), told("payment_failed", KEPT - A_MOMENT)
    assert forget_old_messages() == 1
    kept = young.text
    for message in (old, young):
        message.refresh_from_db()
    assert (old.to, old.text, old.context, old.error) == ("", "", {}, "")
    assert (old.key, old.state) == ("payment_received", "sent")
    assert (young.to, young.text) == ("+255754123456", kept)
    assert why_not_again(old)
    assert forget_old_messages() == 0


@pytest.mark.parametrize(
    ("message_id", "secret", "shown"),
    [
        ("code_verify_phone", "code", "[code]"),
        ("vpn_ready", "link", "[one-time link]"),
        ("vpn_moved", "link", "[one-time link]"),
    ],
)
def test_a_dead_code_or_link_is_forgotten_the_next_day(
    message_id: str, secret: str, shown: str
) -> None:
    message = told(message_id, SECRETS_KEPT - A_MOMENT)
    assert forget_old_messages() == 0
    Message.objects.update(created_at=timezone.now() - SECRETS_KEPT - A_MOMENT)
    assert forget_old_messages() == 1
    message.refresh_from_db()
    assert str(EXAMPLES[secret]) not in f"{message.text}{message.context}"
    assert shown in message.text
    assert message.to == "+255754123456"
    assert why_not_again(message)
    assert forget_old_messages() == 0


def test_whose_account_was_deleted_is_forgotten_the_next_day() -> None:
    last_words = told("account_deleted", SECRETS_KEPT + A_MOMENT)
    assert forget_old_messages() == 1
    last_words.refresh_from_db()
    assert (last_words.to, last_words.text) == ("", "")


def test_what_waits_is_sent_or_given_up_first() -> None:
    message = told("code_verify_phone", SECRETS_KEPT + A_MOMENT)
    Message.objects.update(next_attempt_at=timezone.now())
    assert forget_old_messages() == 0
    message.refresh_from_db()
    assert str(EXAMPLES["code"]) in message.text


def test_reports_are_deleted_with_what_they_tell_of() -> None:
    for age in (KEPT - A_MOMENT, KEPT + A_MOMENT):
        DeliveryReport.objects.create(
            channel="beem", reference="1", word="DELIVERED", received_at=timezone.now() - age
        )
    assert forget_old_messages() == 1
    assert DeliveryReport.objects.count() == 1
