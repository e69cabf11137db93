"""Numbers as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.phone import InvalidPhoneNumber, mask, mask_within, msisdn, parse


@pytest.mark.parametrize(
    "text",
    [
        "0754123456",
        "0754 123 456",
        "0754-123-456",
        "+255754123456",
        "+255 754 123 456",
        "255754123456",
        "00255754123456",
        "754123456",
        " 0754123456 ",
        "0754\u00a0123\u202f456",
        "tel:+255-754-123-456",
        "\u202a+255754123456\u202c",
        "\u200e0754\u2011123\u2011456\u200b",
        "0754\u2013123\u2212456",
        "0754/123/456",
    ],
)
def test_every_usual_way_of_writing_is_one_number(text: str) -> None:
    assert parse(text) == "+255754123456"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "0754",
        "07541234567",
        "+254712345678",
        "+447911123456",
        "0222123456",
        "0800123456",
        "0900123456",
        "0754 12E 456",
        "٠٧٥٤١٢٣٤٥٦",
        "0754123456\x00",
        "++255754123456",
    ],
)
def test_foreign_premium_and_malformed_numbers_are_refused(text: str) -> None:
    with pytest.raises(InvalidPhoneNumber):
        parse(text)


@settings(deadline=None)
@given(st.from_regex(r"(\+?255|0)[67][0-9]{8}", fullmatch=True))
def test_whatever_the_app_accepts_is_accepted(text: str) -> None:
    assert msisdn(parse(text)) == f"255{text[-9:]}"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidPhoneNumber):
        assert len(msisdn(parse(text))) == 12


def test_a_masked_number_cannot_be_called() -> None:
    assert mask("+255754123456") == "+255754***456"


def test_numbers_within_a_text_are_masked() -> None:
    said = "MSISDN=255754123456, from 0754123456 (+255754123456), amount 5000, id 1234567890123"
    assert mask_within(said) == (
        "MSISDN=255754***456, from 0754***456 (+255754***456), amount 5000, id 1234567890123"
    )
