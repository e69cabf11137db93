"""What texts come to as SMS."""

from __future__ import annotations

import pytest

from notifications.messages import render
from notifications.preview import previews
from notifications.segments import Segments, gsm7, normalised, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 1)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("a" * 152 + "€" * 2 + "a" * 150, Segments("GSM-7", 306, 3)),  # none is torn
        ("ŵ" * 70, Segments("UCS-2", 70, 1)),
        ("ŵ" * 71, Segments("UCS-2", 71, 2)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("ŵ" * 66 + "😀" * 3, Segments("UCS-2", 72, 2)),
    ],
)
def test_a_text_takes_so_many_sms(text: str, expected: Segments) -> None:
    assert segments(text) == expected


def test_every_text_is_gsm_7_and_has_at_most_two_parts() -> None:
    for preview in previews():
        assert preview.segments.alphabet == "GSM-7", preview
        assert preview.segments.parts <= 2, preview


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("ng\u2019ombe \u2018A\u2019", "ng'ombe 'A'"),
        ("\u201cNdiyo\u201d", '"Ndiyo"'),
        ("TZS\u00a01,000 \u2013 leo\u2026", "TZS 1,000 - leo..."),
        ("e\u0301", "\u00e9"),
        ("^{}\\[~]|\u20ac\n", "^{}\\[~]|\u20ac\n"),
    ],
)
def test_a_text_is_put_into_the_letters_that_cost_least(written: str, sent: str) -> None:
    assert normalised(written) == sent
    assert segments(sent).alphabet == "GSM-7"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Kifurushi \U0001f600 cha m\u00eame", "Kifurushi  cha meme"),
        ("\u0142\u00e7\u014dAsha\u200d\ufe0f \u00bd", "?coAsha 1/2"),
        ("\u0410\u0411 \u5317", "?? ?"),
        ("\u00e9 \u00c7 \u20ac [Daima]", "\u00e9 \u00c7 \u20ac [Daima]"),
    ],
)
def test_what_seven_bits_cannot_say_is_said_without_it(written: str, sent: str) -> None:
    """Nobody knows by which number Beem takes other letters (fact sheet, 1.1)."""
    assert gsm7(written) == sent
    assert segments(sent).alphabet == "GSM-7"


def test_a_name_that_somebody_pasted_does_not_triple_the_bill() -> None:
    context = {"amount": 1000, "bundle": "Asha\u2019s\u00a0Bundle", "receipt": "SKC7XYZ123"}
    text = render("payment_received", "sw", context)
    assert "Asha's Bundle" in text
    assert segments(text).parts == 1
