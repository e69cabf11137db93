"""The catalogue, and paying."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bundles.errors import BundleNotFound
from bundles.models import Bundle, Purchase
from bundles.selectors import (
    bundles_matching,
    bundles_on_sale,
    own_payment,
    purchases_of,
    sold_out,
)
from bundles.services.buy import buy_bundle
from common.errors import DomainError
from payments import ledger
from payments.models import Payment
from payments.networks import networks
from payments.offers import offers
from payments.selectors import latest_attempt, payments_of
from payments.services.ask_now import ask_now
from payments.states import LIVE
from storefront.api.views import HelpThrottle, receipt_file
from storefront.pages.base import (
    own_page,
    page,
    person_at,
    person_of,
    refuse_flood,
    said,
    sign_in_first,
    typed,
)
from storefront.pages.forms import PayForm, WhyForm
from storefront.sentences import next_step, sentence
from storefront.services.ask_refund import ask_refund
from storefront.timeline import timeline_of
from vpn.diagnosis import Finding, diagnose_payment

PER_PAGE = 20
NOT_WELL = (Finding.NOT_PAID, Finding.REVERSED, Finding.UNDERPAID)


@require_safe
@gzip_page
@page
def home(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:100]
    found = bundles_matching(text) if text else bundles_on_sale()
    listed = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "bundles": listed,
        "q": text,
        "sold_out": sold_out((bundle.pk for bundle in listed), for_customer=_key(request)),
    }
    return render(request, "web/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@gzip_page
@page
def bundle_page(request: HttpRequest, bundle_id: int) -> HttpResponse:
    """One bundle, and the form to pay for it. Whoever has not signed in does so first."""
    bundle = bundles_on_sale().filter(pk=bundle_id).first()
    if bundle is None:
        raise BundleNotFound("This bundle does not exist any more.")
    person = person_at(request)
    if request.method == "POST" and person is None:
        return sign_in_first(request)
    credit = max(ledger.credit_of(person.pk), 0) if person else 0
    known = {"phone": person.phone if person else "", **typed(request)}
    form = PayForm(request.POST or None, initial=known, has_credit=credit > 0)
    if request.method == "POST" and person is not None and form.is_valid():
        given = form.cleaned_data
        try:
            if given["provider"]:
                return redirect("web-payment", payment_id=_buy(person, bundle, given).public_id)
            form = form.with_provider()
        except DomainError as refusal:
            form.add_error(None, said(refusal))
            form.follow_number()
    context = {
        "bundle": bundle,
        "form": form,
        "offers": offers(),
        "prefixes": json.dumps(networks()),
        "credit": credit,
        "is_sold_out": bool(sold_out([bundle.pk], for_customer=_key(request))),
    }
    return render(request, "web/bundle.html", context)


@require_safe
@own_page
def payment_page(request: HttpRequest, payment_id: str) -> HttpResponse:
    """How a payment stands; while it waits, the page looks again by itself."""
    payment = own_payment(user_id=person_of(request).pk, name=payment_id)
    return render(request, "web/payment.html", _payment(request, payment))


@require_safe
@own_page
def payment_state(request: HttpRequest, payment_id: str) -> HttpResponse:
    """The part of the page that changes."""
    payment = own_payment(user_id=person_of(request).pk, name=payment_id)
    return render(request, "web/_payment.html", _payment(request, payment))


@require_POST
@own_page
def ask_page(request: HttpRequest, payment_id: str) -> HttpResponse:
    """Ask the provider now, where it can be asked."""
    payment = own_payment(user_id=person_of(request).pk, name=payment_id)
    if ask_now(payment=payment):
        messages.success(request, _("The provider was asked just now."))
    else:
        messages.info(request, _("The provider gives no answer now. We go on asking by ourselves."))
    return redirect("web-payment", payment_id=payment.public_id)


@require_safe
@own_page
def receipt(request: HttpRequest, payment_id: str) -> HttpResponse:
    return receipt_file(own_payment(user_id=person_of(request).pk, name=payment_id))


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def refund(request: HttpRequest, payment_id: str) -> HttpResponse:
    """Ask to have a payment back."""
    person = person_of(request)
    payment = own_payment(user_id=person.pk, name=payment_id)
    form = WhyForm(request.POST or None, initial=typed(request))
    if request.method == "POST" and form.is_valid():
        refuse_flood(request, HelpThrottle)
        try:
            ask_refund(payment=payment, customer=person, why=form.cleaned_data["why"])
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            return redirect("web-payment", payment_id=payment.public_id)
    context = {
        "form": form,
        "title": _("Ask for the money back"),
        "action": _("Ask for it"),
        "back": reverse("web-payment", args=[payment.public_id]),
    }
    return render(request, "web/form.html", context)


@require_safe
@own_page
def history(request: HttpRequest) -> HttpResponse:
    found = payments_of(person_of(request).pk)
    listed = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    bought = purchases_of(listed)
    rows = [(payment, _bundle(bought.get(payment.subject))) for payment in listed]
    return render(request, "web/history.html", {"rows": rows, "listed": listed})


def _buy(person: User, bundle: Bundle, given: dict[str, Any]) -> Payment:
    return buy_bundle(
        customer=person,
        bundle_id=bundle.pk,
        phone=given["phone"],
        provider=given["provider"],
        use_credit=given.get("use_credit", False),
        gift_phone=given["gift_phone"],
    )[0]


def _payment(request: HttpRequest, payment: Payment) -> dict[str, object]:
    found = diagnose_payment(payment, timezone.now())
    code, step = next_step(found)
    attempt = latest_attempt(payment)
    bundle = _bundle(purchases_of([payment]).get(payment.subject))
    prompts = (
        {str(offer.provider): offer.prompt for offer in offers()} if payment.state in LIVE else {}
    )
    waits = payment.state in LIVE or (payment.state == "completed" and not payment.disposition)
    return {
        "payment": payment,
        "bundle": bundle,
        "attempt": attempt,
        "prompt": prompts.get(attempt.provider, "") if attempt else "",
        "steps": timeline_of(payment),
        "now": sentence(found, timezone.now()),
        "step_code": code,
        "step": step,
        "waits": waits,
        "follows": waits or found.finding == Finding.GATEWAY_BEHIND,
        "is_bad": found.finding in NOT_WELL,
        "refund": payment.refund_requests.first(),
        "is_offered": found.finding == Finding.GIFT_OFFERED,
        "is_served": payment.disposition == "fulfilled"
        and found.subscription is not None
        and found.subscription.is_active,
        "peer": found.peer,
        "subscription": found.subscription,
    }


def _key(request: HttpRequest) -> int | None:
    person = person_at(request)
    return person.pk if person else None


def _bundle(purchase: Purchase | None) -> Bundle | None:
    return purchase.bundle if purchase else None
