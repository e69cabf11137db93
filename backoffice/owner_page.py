"""All of one owner's business, as staff read it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from bundles.models import Bundle, Owner, Terms
from bundles.owner_figures import Business, Earnings, bundles_of, business_of, earnings_of
from bundles.owner_statement import NO_PERIOD, is_period
from common.clock import business_day
from common.sizes import in_words
from payments.models import Transfer
from payments.selectors import payouts_to

LATEST = 20  # of each list; all by the link to its own page
STATEMENT_DAYS = 30


class PeriodForm(forms.Form):
    """The business days of a statement, both included."""

    first = forms.DateField()
    last = forms.DateField()

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or {}
        if len(answers) == len(self.fields) and not is_period(answers["first"], answers["last"]):
            raise forms.ValidationError(NO_PERIOD)
        return answers


@dataclass(frozen=True, slots=True)
class Offer:
    """A bundle, with how it sells; bytes in words."""

    bundle: Bundle
    business: Business
    sold: str
    used: str


@dataclass(frozen=True, slots=True)
class OwnerPage:
    """What the template shows."""

    owner: Owner
    earnings: Earnings
    terms: Terms
    offers: list[Offer]
    payouts: list[Transfer]
    first: date
    last: date


def page_of(owner: Owner) -> OwnerPage:
    """The owner's page, in a number of queries that does not grow with their business."""
    bundles = list(bundles_of(owner.person_id)[:LATEST])
    figures = business_of([bundle.pk for bundle in bundles])
    today = business_day(timezone.now())
    return OwnerPage(
        owner=owner,
        earnings=earnings_of(owner.person_id),
        terms=Terms.current(),
        offers=[_offer(bundle, figures[bundle.pk]) for bundle in bundles],
        payouts=list(payouts_to(owner.person_id)[:LATEST]),
        first=today - timedelta(days=STATEMENT_DAYS - 1),
        last=today,
    )


def _offer(bundle: Bundle, business: Business) -> Offer:
    return Offer(bundle, business, in_words(business.sold_bytes), in_words(business.used_bytes))
