"""An owner's own business."""

from __future__ import annotations

from datetime import timedelta
from typing import BinaryIO

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bundles.api.statement_file import statement_file
from bundles.models import Bundle, Owner
from bundles.owner_figures import bundles_of, business_of, customers_of, earnings_of, sales_of
from bundles.owner_statement import statement_of
from bundles.services.offer import change_offer, offer_bundle, own_bundle
from bundles.services.owners import apply_as_owner
from bundles.services.pay_owners import ask_payout, be_paid_weekly
from bundles.shares import shares_of
from common.clock import business_day
from common.errors import DomainError
from common.phone import mask
from storefront.pages.base import own_page, person_of, said, typed
from storefront.pages.forms import ApplyForm, OfferForm, PayoutForm, StatementForm

PER_PAGE = 20
STATEMENT_DAYS = 30


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def business(request: HttpRequest) -> HttpResponse:
    """The owner's first page; whoever is none yet finds the form to become one."""
    person = person_of(request)
    owner = Owner.objects.filter(person=person).first()
    if owner is None or owner.state == Owner.State.DECLINED:
        return _apply(request, owner)
    return _business(request, owner, PayoutForm(initial=typed(request)))


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def offer(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = OfferForm(request.POST or None, request.FILES or None, initial=typed(request))
    if request.method == "POST" and form.is_valid():
        picture = form.cleaned_data.pop("picture")
        try:
            bundle = offer_bundle(person=person, offer=form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            messages.success(request, _("It is on sale."))
            _put_picture(request, person, bundle, picture)
            return redirect("web-owner")
    return _offer_form(request, form, _("A new bundle"), _("Put it on sale"))


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def change(request: HttpRequest, bundle_id: int) -> HttpResponse:
    person = person_of(request)
    bundle = own_bundle(person, bundle_id)
    known = {**_known(bundle), **typed(request)}
    form = OfferForm(request.POST or None, request.FILES or None, initial=known)
    if request.method == "POST" and form.is_valid():
        picture = form.cleaned_data.pop("picture")
        try:
            change_offer(person=person, bundle_id=bundle_id, changes=form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            messages.success(request, _("It is saved. Purchases that were made stay as they are."))
            _put_picture(request, person, bundle, picture)
            return redirect("web-owner")
    return _offer_form(request, form, bundle.name, _("Save"))


@require_POST
@own_page
def sell(request: HttpRequest, bundle_id: int) -> HttpResponse:
    """Pause a bundle, or put it on sale again."""
    is_on_sale = request.POST.get("on_sale") == "yes"
    change_offer(person=person_of(request), bundle_id=bundle_id, changes={"is_active": is_on_sale})
    return redirect("web-owner")


@require_POST
@own_page
def payout(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    owner = Owner.objects.filter(person=person).first()
    if owner is None:
        return redirect("web-owner")
    form = PayoutForm(request.POST)
    if form.is_valid():
        try:
            ask_payout(person=person, amount=form.cleaned_data["amount"])
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            messages.success(request, _("Your earnings are on their way."))
            return redirect("web-owner")
    return _business(request, owner, form)


@require_POST
@own_page
def weekly(request: HttpRequest) -> HttpResponse:
    be_paid_weekly(person=person_of(request), is_wanted=request.POST.get("weekly") == "yes")
    return redirect("web-owner")


@require_safe
@own_page
def sales(request: HttpRequest) -> HttpResponse:
    listed = Paginator(sales_of(person_of(request).pk), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(sale, shares_of(sale).owner, _masked(sale.customer.phone)) for sale in listed]
    return render(request, "web/sales.html", {"rows": rows, "listed": listed})


@require_safe
@own_page
def customers(request: HttpRequest) -> HttpResponse:
    found = customers_of(person_of(request).pk)
    listed = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = [(each, _masked(each.customer.phone)) for each in listed]
    return render(request, "web/customers.html", {"rows": rows, "listed": listed})


@require_safe
@own_page
def statement(request: HttpRequest) -> HttpResponse:
    """The last days until others are chosen; on the page, or as a file."""
    today = business_day(timezone.now())
    usual = {"first": today - timedelta(days=STATEMENT_DAYS - 1), "last": today}
    form = StatementForm(request.GET if "first" in request.GET else None, initial=usual)
    days = form.cleaned_data if form.is_valid() else usual
    person = person_of(request)
    found = statement_of(person.pk, days["first"], days["last"])
    if form.is_valid() and (kind := request.GET.get("form")) in ("csv", "pdf"):
        return statement_file(found, owner=person, form=kind)
    return render(request, "web/statement.html", {"statement": found, "form": form})


def _business(request: HttpRequest, owner: Owner, payout_form: PayoutForm) -> HttpResponse:
    bundles = list(bundles_of(owner.person_id)[:100])
    figures = business_of([bundle.pk for bundle in bundles])
    context = {
        "owner": owner,
        "bundles": [(bundle, figures[bundle.pk]) for bundle in bundles],
        "earnings": earnings_of(owner.person_id),
        "payout": payout_form,
    }
    return render(request, "web/owner.html", context)


def _apply(request: HttpRequest, earlier: Owner | None) -> HttpResponse:
    form = ApplyForm(request.POST or None, initial=typed(request))
    if request.method == "POST" and form.is_valid():
        try:
            apply_as_owner(person=person_of(request), **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            messages.success(request, _("We have your application. The answer comes by SMS."))
            return redirect("web-owner")
    return render(request, "web/apply.html", {"form": form, "earlier": earlier})


def _offer_form(request: HttpRequest, form: OfferForm, title: str, action: str) -> HttpResponse:
    context = {"form": form, "title": title, "action": action, "back": reverse("web-owner")}
    return render(request, "web/form.html", context)


def _put_picture(
    request: HttpRequest, person: User, bundle: Bundle, upload: BinaryIO | None
) -> None:
    """The bundle stands whether or not its picture can be drawn."""
    from bundles.services.picture import set_picture  # waits for Pillow

    if upload is None:
        return
    try:
        set_picture(person=person, bundle_id=bundle.pk, upload=upload)
    except DomainError as refusal:
        messages.error(request, said(refusal))


def _known(bundle: Bundle) -> dict[str, object]:
    return {name: getattr(bundle, name) for name in OfferForm.base_fields if name != "picture"}


def _masked(phone: str | None) -> str:
    return mask(phone) if phone else ""
