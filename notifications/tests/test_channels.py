"""What each answer of an SMS provider comes to (fact sheet, 8)."""

from __future__ import annotations

import base64
import json
import smtplib
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from urllib3.exceptions import MaxRetryError, NewConnectionError

from notifications.channels.africastalking import AfricasTalking, AfricasTalkingConfig
from notifications.channels.base import (
    Channel,
    InDoubt,
    Misconfigured,
    NotAccepted,
    OutOfCredit,
    TurnedAway,
    Unreachable,
    Unwanted,
)
from notifications.channels.beem import Beem, BeemConfig
from notifications.channels.email import EmailChannel

PHONE = "+255754123456"
BEEM_URL = "https://beem.example/v1/send"
AFRICASTALKING_URL = "https://at.example/version1/messaging"
URLS = {"beem": BEEM_URL, "africastalking": AFRICASTALKING_URL}
CHANNELS: dict[str, Channel] = {
    "beem": Beem(
        BeemConfig(
            api_key="fake-key",
            secret_key="fake-secret",
            sender="KONEKTIKA",
            base_url="https://beem.example",
        )
    ),
    "africastalking": AfricasTalking(
        AfricasTalkingConfig(
            username="konektika",
            api_key="fake-key",
            sender="KONEKTIKA",
            base_url="https://at.example",
        )
    ),
    "email": EmailChannel(),
}
BEEM_ACCEPTED = {
    "successful": True,
    "request_id": 12345678,
    "code": 100,
    "message": "Message Submitted Successfully",
    "valid": 1,
    "invalid": 0,
    "duplicates": 0,
}


@pytest.fixture(autouse=True)
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as wire:
        yield wire


def send(channel: str) -> str:
    return CHANNELS[channel].send(to=PHONE, text="Habari", subject="")


def recipient(code: int, status: str = "Success") -> dict[str, Any]:
    found = {"statusCode": code, "number": PHONE, "status": status, "cost": "TZS 22.0000"}
    told = {"Message": "Sent to 1/1", "Recipients": [{**found, "messageId": "ATXid_1"}]}
    return {"SMSMessageData": told}


def test_beem_is_asked_as_its_own_sample_does(wire: responses.RequestsMock) -> None:
    wire.post(BEEM_URL, json=BEEM_ACCEPTED)
    assert send("beem") == "12345678"
    request = wire.calls[0].request
    expected = base64.b64encode(b"fake-key:fake-secret").decode()
    assert request.headers["Authorization"] == f"Basic {expected}"
    assert json.loads(request.body or "") == {
        "source_addr": "KONEKTIKA",
        "schedule_time": "",
        "encoding": 0,
        "message": "Habari",
        "recipients": [{"recipient_id": 1, "dest_addr": "255754123456"}],
    }


def test_africas_talking_is_asked_by_a_form(wire: responses.RequestsMock) -> None:
    wire.post(AFRICASTALKING_URL, json=recipient(101), status=201)
    assert send("africastalking") == "ATXid_1"
    request = wire.calls[0].request
    assert request.headers["apiKey"] == "fake-key"
    assert request.headers["Accept"] == "application/json"
    assert parse_qs(str(request.body)) == {
        "username": ["konektika"],
        "to": [PHONE],
        "message": ["Habari"],
        "from": ["KONEKTIKA"],
        "bulkSMSMode": ["1"],
        "enqueue": ["1"],
    }


PERMANENT, TEMPORARY, DOUBT, OUR_ACCOUNT = "permanent", "temporary", "doubt", "our account"
NO_CREDIT, UNWANTED, ONCE_MORE = "no credit", "unwanted", "once more"
UNREACHABLE = "unreachable"


def ended(channel: str) -> str:
    try:
        send(channel)
    except Misconfigured:
        return OUR_ACCOUNT
    except OutOfCredit:
        return NO_CREDIT
    except Unreachable:
        return UNREACHABLE
    except Unwanted:
        return UNWANTED
    except TurnedAway:
        return ONCE_MORE
    except NotAccepted as refusal:
        return PERMANENT if refusal.permanent else TEMPORARY
    except InDoubt:
        return DOUBT
    return "accepted"


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, BEEM_ACCEPTED | {"code": "100", "valid": "1"}, "accepted"),
        (200, BEEM_ACCEPTED | {"valid": 0, "invalid": 1}, PERMANENT),
        (200, {"code": 101, "message": "Invalid phone number"}, PERMANENT),
        (400, {"code": 102, "message": "Insufficient balance"}, NO_CREDIT),
        (200, {"code": 102}, NO_CREDIT),  # by either guide it was not sent
        (200, {"code": 102, "message": "Authentication failed"}, OUR_ACCOUNT),  # the other guide's
        (200, {"code": 103, "message": "No balance"}, NO_CREDIT),  # its 103
        (200, {"code": 105, "message": "Invalid phone number"}, PERMANENT),  # its 105
        (400, {"code": 103, "message": "Network timeout"}, DOUBT),
        (200, {"code": 101, "message": "Invalid recipient"}, PERMANENT),  # no guide contradicts
        (400, {"code": 104, "message": "Missing parameter"}, PERMANENT),
        (200, {"code": 105, "message": "Account not found"}, OUR_ACCOUNT),
        (401, {"code": 108, "message": "Bad token"}, OUR_ACCOUNT),
        (200, {"code": 120, "message": "Invalid phone number"}, DOUBT),
        (503, {"code": 100, "valid": 1}, DOUBT),
        (400, BEEM_ACCEPTED, DOUBT),
        (200, {"code": 100, "request_id": 1}, DOUBT),  # of how many it is silent
        (400, {}, PERMANENT),
        (429, {}, TEMPORARY),
        (429, {"code": 429, "message": "Too many requests"}, TEMPORARY),
        (401, {"code": 401, "message": "Unauthorized"}, OUR_ACCOUNT),
    ],
)
def test_what_beems_answers_come_to(
    wire: responses.RequestsMock, status: int, answer: dict[str, object], expected: str
) -> None:
    wire.post(BEEM_URL, json=answer, status=status)
    assert ended("beem") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (100, "accepted"),
        (101, "accepted"),
        (102, "accepted"),
        (401, OUR_ACCOUNT),
        (402, OUR_ACCOUNT),
        (403, PERMANENT),
        (404, PERMANENT),
        (405, NO_CREDIT),
        (406, UNWANTED),
        (407, PERMANENT),
        (409, UNWANTED),
        (500, DOUBT),
        (501, DOUBT),
        (502, ONCE_MORE),
        (999, DOUBT),
    ],
)
def test_what_africas_talkings_codes_come_to(
    wire: responses.RequestsMock, code: int, expected: str
) -> None:
    wire.post(AFRICASTALKING_URL, json=recipient(code, "Whatever"), status=201)
    assert ended("africastalking") == expected


@pytest.mark.parametrize("said", ["None", "", None])
def test_an_accepted_message_may_have_no_id(wire: responses.RequestsMock, said: object) -> None:
    told = recipient(101)
    told["SMSMessageData"]["Recipients"][0]["messageId"] = said
    wire.post(AFRICASTALKING_URL, json=told, status=201)
    assert send("africastalking") == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("InvalidSenderId", OUR_ACCOUNT),
        ("InsufficientBalance", NO_CREDIT),
        ("Anything else", PERMANENT),
    ],
)
def test_without_recipients_the_request_was_refused(
    wire: responses.RequestsMock, words: str, expected: str
) -> None:
    told = {"SMSMessageData": {"Message": words, "Recipients": []}}
    wire.post(AFRICASTALKING_URL, json=told, status=201)
    assert ended("africastalking") == expected


@pytest.mark.parametrize("channel", URLS)
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, "The supplied authentication is invalid", OUR_ACCOUNT),
        (403, "", OUR_ACCOUNT),
        (404, "not found", PERMANENT),
        (415, "", PERMANENT),
        (422, "", PERMANENT),
        (429, "slowly", TEMPORARY),
        (500, "", DOUBT),
        (502, "<html>Bad gateway</html>", DOUBT),
        (200, "<html>Welcome</html>", DOUBT),
        (403, "<html>Forbidden</html>", DOUBT),  # whoever wrote the page, it was not the provider
        (400, '{"code": 10', DOUBT),
        (201, '{"SMSMessageData": ', DOUBT),
        (302, "", DOUBT),
    ],
)
def test_what_has_no_meaning_of_its_own_goes_by_its_status(
    wire: responses.RequestsMock, channel: str, status: int, body: str, expected: str
) -> None:
    wire.post(URLS[channel], body=body, status=status)
    assert ended(channel) == expected


@pytest.mark.parametrize("channel", URLS)
@pytest.mark.parametrize(
    "failure", [requests.exceptions.ReadTimeout(), requests.exceptions.ConnectionError("reset")]
)
def test_an_answer_that_never_came_is_a_doubt(
    wire: responses.RequestsMock, channel: str, failure: Exception
) -> None:
    wire.post(URLS[channel], body=failure)
    assert ended(channel) == DOUBT
    assert len(wire.calls) == 1


@pytest.mark.parametrize("channel", URLS)
def test_without_a_connection_nothing_was_sent(wire: responses.RequestsMock, channel: str) -> None:
    refused = MaxRetryError(None, "/", NewConnectionError(None, "refused"))  # type: ignore[arg-type]
    wire.post(URLS[channel], body=requests.exceptions.ConnectionError(refused))
    assert ended(channel) == UNREACHABLE


class MailServer:
    """Fails at its greeting, or when it is given the letter."""

    greeting: Exception | None = None
    reply: Exception | None = None

    def __init__(self, *_: Any, **__: Any) -> None:
        if self.greeting:
            raise self.greeting

    def sendmail(self, *_: Any) -> None:
        if self.reply:
            raise self.reply

    def quit(self) -> None:
        pass


@pytest.mark.parametrize(
    ("greeting", "reply", "expected"),
    [
        (None, None, "accepted"),
        (socket.gaierror(), None, UNREACHABLE),
        (TimeoutError(), None, UNREACHABLE),
        (ssl.SSLCertVerificationError(), None, UNREACHABLE),
        (smtplib.SMTPConnectError(421, "busy"), None, UNREACHABLE),
        (smtplib.SMTPServerDisconnected(), None, UNREACHABLE),
        (smtplib.SMTPAuthenticationError(535, "login"), None, OUR_ACCOUNT),
        (None, smtplib.SMTPRecipientsRefused({"a": (550, b"nobody")}), PERMANENT),
        (None, smtplib.SMTPRecipientsRefused({"a": (450, b"later")}), TEMPORARY),
        (None, smtplib.SMTPDataError(451, "later"), TEMPORARY),
        (None, smtplib.SMTPDataError(554, "spam"), PERMANENT),
        (None, smtplib.SMTPServerDisconnected(), DOUBT),
        (None, TimeoutError(), DOUBT),
    ],
)
def test_what_a_mail_servers_answers_come_to(
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    greeting: Exception | None,
    reply: Exception | None,
    expected: str,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    monkeypatch.setattr(smtplib, "SMTP", MailServer)
    monkeypatch.setattr(MailServer, "greeting", greeting)
    monkeypatch.setattr(MailServer, "reply", reply)
    assert ended("email") == expected
