"""The message log: found, read and sent again by those who may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from backoffice.tests.test_search import signed_in
from notifications.models import Message
from notifications.services.reports import keep_report

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/message/"
PHONE = "+255754123456"


def message(key: str = "first", **more: Any) -> Message:
    facts: dict[str, Any] = {
        "message_id": "payment_received",
        "to": PHONE,
        "language": "en",
        "text": "Konektika: We have received TZS 1,000.",
        "state": Message.State.SENT,
        "channel": "beem",
        "reference": key,
        "sent_at": timezone.now(),
        "next_attempt_at": None,
    }
    return Message.objects.create(key=key, **{**facts, **more})


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return str(answer.content.decode())


def verb(found: Message) -> str:
    return f"{LIST}{found.pk}/send-again/"


def ask(client: Client, found: Message) -> dict[str, str]:
    """The form of the page that asks why, filled in."""
    key = re.search(r'name="key" value="(\w+)"', page(client, verb(found)))
    assert key is not None
    return {"why": "The customer changed the SIM", "key": key[1]}


@pytest.fixture
def support() -> Client:
    return signed_in(role="support")


@pytest.mark.parametrize("term", ["0754123456", "255 754 123 456", PHONE, "first"])
def test_a_message_is_found_by_its_whole_phone_or_key(support: Client, term: str) -> None:
    found, other = message(), message("other", to="+255754123457")
    shown = page(support, f"{LIST}?q={term.replace('+', '%2B')}")
    assert f"/{found.pk}/change/" in shown
    assert f"/{other.pk}/change/" not in shown


@pytest.mark.parametrize("term", ["0754", "received", "123456"])
def test_a_part_finds_nothing(support: Client, term: str) -> None:
    found = message()
    assert f"/{found.pk}/change/" not in page(support, f"{LIST}?q={term}")


@pytest.mark.parametrize(
    "query",
    [
        "state__exact=failed",
        "delivery__exact=undelivered",
        "channel=beem",
        "message_id=payment_failed",
    ],
)
def test_the_list_is_narrowed(support: Client, query: str) -> None:
    wanted = message(
        state=Message.State.FAILED, delivery="undelivered", message_id="payment_failed"
    )
    other = message("other", channel="console", message_id="payment_received")
    shown = page(support, f"{LIST}?{query}")
    assert f"/{wanted.pk}/change/" in shown
    assert f"/{other.pk}/change/" not in shown


def test_the_page_tells_what_the_channel_reported(support: Client) -> None:
    found = message(reference="77")
    keep_report(channel="beem", facts={"request_id": 77, "Status": "A_NEW_WORD"})
    keep_report(channel="beem", facts={"request_id": 77, "Status": "DELIVERED"})
    shown = page(support, f"{LIST}{found.pk}/change/")
    assert "A_NEW_WORD" in shown
    assert "DELIVERED" in shown
    assert "+255754***456" in shown
    assert PHONE not in shown


def test_nobody_reads_a_code(staff: Client) -> None:
    found = message(
        message_id="code_reset_password",
        text="Konektika: 042195 lets you choose a new password.",
        context={"code": "042195"},
    )
    for path in (LIST, f"{LIST}{found.pk}/change/"):
        shown = page(staff, path)
        assert "042195" not in shown
        assert "[code] lets you choose" in shown


def test_a_message_is_sent_again_once_with_a_reason(support: Client) -> None:
    found = message()
    answers = ask(support, found)
    for _ in range(2):
        assert support.post(verb(found), answers).status_code == 302
    [again] = Message.objects.exclude(pk=found.pk)
    assert (again.again_of, again.text, again.to) == (found, found.text, PHONE)
    assert (again.state, again.attempts) == (Message.State.QUEUED, 0)
    assert "The customer changed the SIM" in LogEntry.objects.first().change_message  # type: ignore[union-attr]
    assert f"/{again.pk}/change/" in page(support, f"{LIST}{found.pk}/change/")


def test_what_is_sent_again_twice_belongs_to_the_first(support: Client) -> None:
    found = message()
    support.post(verb(found), ask(support, found))
    second = Message.objects.get(again_of=found)
    Message.objects.filter(pk=second.pk).update(state=Message.State.UNKNOWN)
    support.post(verb(second), ask(support, second))
    assert found.again.count() == 2


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"state": Message.State.QUEUED}, "still on its way"),
        ({"state": Message.State.SENDING}, "still on its way"),
        ({"to": ""}, "account was deleted"),
        ({"message_id": "code_reset_password"}, "asks for another"),
    ],
)
def test_what_is_not_sent_again_says_why(support: Client, facts: dict[str, Any], why: str) -> None:
    answers = ask(support, message("another"))
    found = message(**facts)
    page(support, verb(found), status=403)
    assert why in support.post(verb(found), answers).content.decode()
    assert not Message.objects.filter(again_of=found).exists()


@pytest.mark.parametrize("role", ["finance", "manager", "auditor"])
def test_others_read_and_send_nothing(role: str) -> None:
    found = message()
    client = signed_in(role=role)
    assert "/send-again/" not in page(client, f"{LIST}{found.pk}/change/")
    assert client.post(verb(found), {"why": "x", "key": "k"}).status_code == 403
    assert Message.objects.count() == 1


def test_an_administrator_may() -> None:
    assert "Send again" in page(signed_in(role="administrator"), verb(message()))
