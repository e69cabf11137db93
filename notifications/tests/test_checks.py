"""Channels whose settings cannot work."""

from __future__ import annotations

from typing import Any

import pytest

from notifications.checks import check_channels, check_deployment

BEEM = {"BEEM_API_KEY": "key", "BEEM_SECRET_KEY": "secret", "BEEM_SENDER": "KONEKTIKA"}


def found(settings: Any, **values: str) -> list[str | None]:
    for name, value in values.items():
        setattr(settings, name, value)
    return [message.id for message in check_channels()]


def test_without_any_settings_messages_go_to_the_log(settings: Any) -> None:
    assert found(settings) == []


@pytest.mark.parametrize("missing", BEEM)
def test_some_settings_of_a_channel_are_an_error(settings: Any, missing: str) -> None:
    assert found(settings, **{**BEEM, missing: ""}) == ["notifications.E001"]


def test_a_channel_is_not_chosen_without_its_settings(settings: Any) -> None:
    assert found(settings, SMS_CHANNEL="africastalking") == ["notifications.E001"]
    assert found(settings, SMS_CHANNEL="beem", **BEEM) == []


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("KONEKTIKA-TZ", ["notifications.E002"]),
        ("255754123456", []),  # an international number is as good as a name
        ("+255754123456", []),
        ("2557541234567890", ["notifications.E002"]),
    ],
)
def test_a_sender_is_a_short_name_or_a_number(
    settings: Any, sender: str, expected: list[str]
) -> None:
    assert found(settings, **{**BEEM, "BEEM_SENDER": sender}) == expected


def test_who_deploys_is_told_that_codes_are_in_the_log(settings: Any) -> None:
    assert [warning.id for warning in check_deployment()] == ["notifications.W001"]
    settings.SMS_CHANNEL = "beem"
    assert check_deployment() == []
