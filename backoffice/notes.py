"""Notes of staff on payments and customers."""

from __future__ import annotations

import re
from collections.abc import Callable

from django import forms
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import User
from backoffice.models import Note
from common.confirmation import ReasonForm

CARD_NUMBER = re.compile(r"(?<!\d)(?:\d[ -]?){13,19}(?!\d)")


class NoteForm(ReasonForm):
    """What the next one should know."""

    why = forms.CharField(label="Note", max_length=1000, widget=UnfoldAdminTextareaWidget)

    def clean_why(self) -> str:
        text: str = self.cleaned_data["why"]
        if any(_is_card_number(found) for found in CARD_NUMBER.findall(text)):
            raise forms.ValidationError("This looks like the number of a bank card: leave it out.")
        return text


def add_note(*, subject: str, text: str, author: User, key: str) -> Note:
    """Keep a note; the same `key` again gives the one that is there."""
    note, _ = Note.objects.get_or_create(
        key=key, defaults={"subject": subject, "text": text, "author": author}
    )
    return note


def notes_on(subjects: list[str]) -> list[Note]:
    """The notes on these, the oldest first, with who wrote them."""
    return list(Note.objects.filter(subject__in=subjects).select_related("author"))


def may_note(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("backoffice.add_note"))


def _is_card_number(text: str) -> bool:
    """Luhn's sum: we hold no card numbers, so that nobody can take them from us."""
    digits = [int(digit) for digit in text if digit.isdecimal()][::-1]
    doubled: Callable[[int], int] = lambda digit: sum(divmod(2 * digit, 10))  # noqa: E731
    total = sum(digits[0::2]) + sum(doubled(digit) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and total % 10 == 0
