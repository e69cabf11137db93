"""What texts come to as SMS."""

from __future__ import annotations

import pytest

from notifications.preview import previews
from notifications.segments import Segments, segments


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
