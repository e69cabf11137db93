"""What customers give one another: the link of a gift, the list of them, and giving data away."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bundles.api.gifts import MEGABYTE, GiftThrottle
from bundles.models import Gift
from bundles.selectors import gift_behind, gift_to, gifts_of, own_subscription
from bundles.services.claim_gift import claim_gift
from bundles.services.give_data import give_data, giveable_bytes
from bundles.services.return_gift import take_back
from common.errors import DomainError
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
from storefront.pages.forms import GiveForm
from vpn.services.generate import generate_config

PER_PAGE = 20


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page
def gift_page(request: HttpRequest, token: str) -> HttpResponse:
    """The SMS's link. Looking uses nothing up; whoever has not signed in does so, and comes back."""
    gift, person = gift_behind(token), person_at(request)
    if request.method == "POST" and person is None:
        return sign_in_first(request)
    if request.method == "POST" and person is not None:
        return _claim(request, gift, person)
    context = {
        "gift": gift,
        "state": gift.state_at(timezone.now()),
        "is_mine": person is not None and gift.claimed_by_id == person.pk,
    }
    return render(request, "web/gift.html", context)


@require_POST
@own_page
def claim_page(request: HttpRequest, gift_id: int) -> HttpResponse:
    """A gift to one's own proved phone."""
    person = person_of(request)
    return _claim(request, gift_to(person, gift_id), person)


@require_safe
@own_page
def gifts(request: HttpRequest) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    listed = Paginator(gifts_of(person), PER_PAGE).get_page(request.GET.get("page"))
    shown = [
        {"gift": gift, "state": gift.state_at(now), "is_own": gift.giver_id == person.pk}
        for gift in listed
    ]
    return render(request, "web/gifts.html", {"listed": listed, "shown": shown})


@require_POST
@own_page
def take_back_page(request: HttpRequest, gift_id: int) -> HttpResponse:
    refuse_flood(request, GiftThrottle)
    take_back(giver=person_of(request), gift_id=gift_id)
    messages.success(request, _("The gift is yours again."))
    return redirect("web-gifts")


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def give(request: HttpRequest, subscription_id: int) -> HttpResponse:
    """Give part of a bundle's data away."""
    person = person_of(request)
    subscription = own_subscription(user_id=person.pk, subscription_id=subscription_id)
    form = GiveForm(request.POST or None, initial=typed(request))
    if request.method == "POST" and form.is_valid():
        refuse_flood(request, GiftThrottle)
        try:
            give_data(
                giver=person,
                subscription_id=subscription.pk,
                phone=form.cleaned_data["phone"],
                data_bytes=form.cleaned_data["data_mb"] * MEGABYTE,
            )
        except DomainError as refusal:
            form.add_error(None, said(refusal))
        else:
            messages.success(request, _("It is off your data. The receiver is told by SMS."))
            return redirect("web-gifts")
    context = {"form": form, "subscription": subscription, "left": giveable_bytes(subscription)}
    return render(request, "web/give.html", context)


def _claim(request: HttpRequest, gift: Gift, person: User) -> HttpResponse:
    """Claim it and open the configuration; where none can be made now, what one has."""
    refuse_flood(request, GiftThrottle)
    claim_gift(gift=gift, claimer=person)
    try:
        peer = generate_config(customer=person, bundle_id=gift.bundle_id)
    except DomainError:
        return redirect("web-internet")
    return redirect("web-device", peer_id=peer.pk)
