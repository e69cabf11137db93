"""Every text as customers will read it, filled in with examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from notifications.messages import TEXTS, render
from notifications.segments import Segments, segments

# As long as they usually get; whatever a text names has an example here.
EXAMPLES = {
    "amount": 17_000,
    "missing": 2_000,
    "bundle": "Monthly Bundle",
    "receipt": "SKC7XYZ123",
    "until": "26.12.2026 18:30",
    "link": "https://konektika.example/vpn/c/RqX-jUC7qkO62h8zQJEhtu_2",
    "code": "042195",
    "why": "Tunahitaji picha ya mkataba wako.",
    "percent": 80,
    "left": "20 GB",
    "data": "20 GB",
    "giver": "Mwanaidi K",
    "reason": "insufficient_funds",
}


@dataclass(frozen=True, slots=True)
class Preview:
    message_id: str
    language: str
    text: str
    segments: Segments


def previews() -> Iterator[Preview]:
    """All texts in both languages."""
    for message_id, languages in TEXTS.items():
        for language in languages:
            text = render(message_id, language, EXAMPLES)
            yield Preview(message_id, language, text, segments(text))
