"""What the dashboard is to be of: which days, which provider, which bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from bundles.models import Bundle
from common.clock import business_day
from payments.models import Payment

PERIODS = {"today": 1, "week": 7, "month": 30, "year": 365}  # business days, today among them
USUAL = "week"
DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Chosen:
    """Business days, both included; no provider or bundle means all of them."""

    since: date
    until: date
    provider: str = ""
    bundle: int | None = None

    @property
    def days(self) -> list[date]:
        return [
            self.since + timedelta(days=number)
            for number in range((self.until - self.since).days + 1)
        ]


class ChosenForm(forms.Form):
    period = forms.ChoiceField(
        required=False,
        choices=[
            ("week", "7 days"),
            ("today", "Today"),
            ("month", "30 days"),
            ("year", "A year"),
            ("days", "From, to"),
        ],
    )
    since = forms.DateField(
        required=False, label="From", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label="To", widget=forms.DateInput(attrs={"type": "date"})
    )
    provider = forms.ChoiceField(required=False, choices=[("", "All"), *Payment.METHODS])
    bundle = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        bundles = Bundle.objects.order_by("name", "pk").values_list("pk", "name")
        self.fields["bundle"].choices = [  # type: ignore[attr-defined]  # a choice field's
            ("", "All"),
            *((key, f"{name} ({key})") for key, name in bundles),
        ]

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or {}
        if answers.get("period") != "days":
            return answers
        since, until = answers.get("since"), answers.get("until")
        if since is None or until is None:
            raise forms.ValidationError("Say from which day to which.")
        if not 0 <= (until - since).days < DAYS_MAX:
            raise forms.ValidationError(f"Choose 1 to {DAYS_MAX} days, the first one first.")
        return answers

    @property
    def chosen(self) -> Chosen:
        """The usual days of everything while something is wrong with the answers."""
        answers = self.cleaned_data if self.is_valid() else {}
        provider, bundle = answers.get("provider", ""), answers.get("bundle")
        if answers.get("period") == "days":
            return Chosen(answers["since"], answers["until"], provider, bundle)
        today = business_day(timezone.now())
        days = PERIODS[answers.get("period") or USUAL]
        return Chosen(today - timedelta(days=days - 1), today, provider, bundle)
