"""What the dashboard is to be of: which days, which provider, whose bundles or which one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from bundles.models import Bundle
from bundles.selectors import sellers_named
from common.clock import business_day
from payments.models import Payment

PERIODS = {"today": 1, "week": 7, "month": 30, "year": 365}  # business days, today among them
USUAL = "week"
DAYS_MAX = 366
NAME_MAX = 200
NUMBERED = re.compile(r"(?:^|\()([0-9]{1,18})\)?$", re.ASCII)  # as `named` writes somebody


@dataclass(frozen=True, slots=True)
class Chosen:
    """Business days, both included; no provider, owner or bundle means all of them."""

    since: date
    until: date
    provider: str = ""
    owner: User | None = None
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
    owner = forms.CharField(
        required=False,
        max_length=NAME_MAX,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "All: a name or number"}),
    )
    bundle = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)

    def __init__(self, data: QueryDict) -> None:
        """`owners` may be meant by the answer; one alone is."""
        wanted = data.get("owner", "").strip()[:NAME_MAX]
        self.owners = _meant(wanted) if wanted else []
        self.meant = self.owners[0] if len(self.owners) == 1 else None
        super().__init__({**data.dict(), "owner": named(self.meant)} if self.meant else data)
        self._bundles = {
            key: (name, owner)
            for key, name, owner in Bundle.objects.order_by("name", "pk").values_list(
                "pk", "name", "owner"
            )
        }
        self.fields["bundle"].choices = [  # type: ignore[attr-defined]  # a choice field's
            ("", "All"),
            *(
                (key, f"{name} ({key})")
                for key, (name, owner) in self._bundles.items()
                if self._is_to_be_chosen(key, owner)
            ),
        ]

    def clean_owner(self) -> User | None:
        if self.meant or not self.cleaned_data["owner"].strip():
            return self.meant
        if self.owners:
            raise forms.ValidationError("Several are named so. Which one?")
        raise forms.ValidationError("Nobody with bundles is named so, or has this number.")

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or {}
        owner, bundle = answers.get("owner"), answers.get("bundle")
        if owner and bundle and self._bundles[bundle][1] != owner.pk:
            self.add_error("bundle", f"It is none of {named(owner)}. Choose one of theirs, or All.")
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
        since, until = _days(answers)
        return Chosen(
            since,
            until,
            provider=answers.get("provider", ""),
            owner=answers.get("owner"),
            bundle=answers.get("bundle"),
        )

    def _is_to_be_chosen(self, bundle: int, owner: int) -> bool:
        """All of them, or the owner's; what is asked for with a wrong owner is told by `clean`."""
        return (
            self.meant is None or owner == self.meant.pk or str(bundle) == self.data.get("bundle")
        )


def _days(answers: Mapping[str, Any]) -> tuple[date, date]:
    """The first and the last."""
    if answers.get("period") == "days":
        return answers["since"], answers["until"]
    today = business_day(timezone.now())
    return today - timedelta(days=PERIODS[answers.get("period") or USUAL] - 1), today


def named(owner: User) -> str:
    """A name that means one owner alone."""
    return f"{owner} ({owner.pk})"


def _meant(text: str) -> list[User]:
    """Owners of bundles by the number of `named`, or by how a name or an e-mail address begins."""
    if number := NUMBERED.search(text):
        return list(User.objects.filter(pk=number[1], bundles__isnull=False).distinct())
    return sellers_named(text)
