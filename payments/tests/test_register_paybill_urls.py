"""The command that tells M-Pesa where to ask about customer-initiated payments."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import responses
from django.core.management import call_command
from django.core.management.base import CommandError

from payments.providers import registry
from payments.providers.http import MemoryTokenStore
from payments.tests.conftest import MPESA
from payments.tests.providers.contract import payload, sent_json

REGISTRATION_URL = f"{MPESA}/mpesa/c2b/v2/registerurl"


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Access tokens without a Redis."""
    monkeypatch.setattr(registry, "RedisTokenStore", lambda url: MemoryTokenStore())


def test_what_the_provider_said_is_printed(
    settings: Any, wire: responses.RequestsMock, tokens: None
) -> None:
    settings.MPESA_RESULT_URL = "https://konektika.example/api/webhooks/in/s"
    wire.post(REGISTRATION_URL, json=payload("mpesa_daraja", "registration_taken"))
    printed = StringIO()
    call_command("register_paybill_urls", stdout=printed)
    assert printed.getvalue() == "M-Pesa has taken the URLs: success (code 0)\n"
    assert sent_json(wire.calls[-1])["ValidationURL"] == f"{settings.MPESA_RESULT_URL}/validation"


def test_urls_that_are_registered_already_are_told_plainly(
    wire: responses.RequestsMock, tokens: None
) -> None:
    refused = payload("mpesa_daraja", "registration_refused")
    wire.post(REGISTRATION_URL, json=refused, status=500)
    with pytest.raises(CommandError, match=r"takes them once.*500\.003\.1001") as failure:
        call_command("register_paybill_urls")
    assert failure.value.returncode == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"errorCode": "500.003.1001", "errorMessage": "Internal error"}, "status": 500},
        {"body": "<html>", "status": 503},
    ],
)
def test_a_refusal_ends_the_command_with_an_error(
    wire: responses.RequestsMock, tokens: None, answer: dict[str, Any]
) -> None:
    wire.post(REGISTRATION_URL, **answer)
    with pytest.raises(CommandError, match="has not taken"):
        call_command("register_paybill_urls")


def test_without_m_pesa_there_is_nothing_to_register(settings: Any) -> None:
    settings.MPESA_CONSUMER_KEY = ""
    with pytest.raises(CommandError, match="not set up"):
        call_command("register_paybill_urls")
