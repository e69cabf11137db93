"""What a customer has: subscriptions, devices, usage, and help when it does not work."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bundles.models import Subscription
from bundles.selectors import subscriptions_of
from bundles.services.renew import switch_renewal
from common.rest import attachment
from payments import ledger
from storefront.api.views import HelpThrottle
from storefront.help import help_customer
from storefront.pages.base import own_page, person_of, refuse_flood, typed
from storefront.pages.forms import ReceiptForm
from storefront.sentences import next_step, sentence
from vpn.errors import ConfigNotFound
from vpn.selectors import live_peers_of, own_peer, usage_by_day
from vpn.services.generate import generate_config
from vpn.services.revoke import revoke_now
from vpn.wireguard_config import customer_config, qr_code_svg

SHOWN = 20
DAYS = 14
DEVICE_NAME_MAX = 50


@require_safe
@own_page
def internet(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    subscriptions = list(subscriptions_of(person.pk)[:SHOWN])
    devices = list(live_peers_of(person.pk).filter(subscription__in=subscriptions).order_by("id"))
    shown = [
        {
            "subscription": subscription,
            "percent": _percent(subscription),
            "left": max(subscription.data_limit_bytes - subscription.data_used_bytes, 0),
            "devices": [each for each in devices if each.subscription_id == subscription.pk],
        }
        for subscription in subscriptions
    ]
    usage = usage_by_day(customer_id=person.pk, days=DAYS)
    most = max((day["bytes"] for day in usage), default=0) or 1
    bars = [{**day, "percent": round(day["bytes"] * 100 / most)} for day in usage]
    context = {
        "shown": shown,
        "usage": bars,
        "days": DAYS,
        "credit": max(ledger.credit_of(person.pk), 0),
    }
    return render(request, "web/internet.html", context)


@require_POST
@own_page
def set_up(request: HttpRequest, bundle_id: int) -> HttpResponse:
    """The configuration of a bundle's device by its name, else of the first; made if there is none."""
    name = request.POST.get("device_name", "").strip()[:DEVICE_NAME_MAX]
    peer = generate_config(customer=person_of(request), bundle_id=bundle_id, device_name=name)
    return redirect("web-device", peer_id=peer.pk)


@require_POST
@own_page
def renewal(request: HttpRequest, subscription_id: int) -> HttpResponse:
    """Have a subscription bought again from one's credit by itself, or not any more."""
    switch_renewal(
        customer=person_of(request),
        subscription_id=subscription_id,
        is_wanted=request.POST.get("auto_renew") == "yes",
    )
    return redirect("web-internet")


@require_http_methods(["GET", "HEAD"])
@own_page
def device(request: HttpRequest, peer_id: int) -> HttpResponse:
    peer = own_peer(user_id=person_of(request).pk, peer_id=peer_id)
    text = customer_config(peer)
    # The picture is drawn by segno and holds no text.
    context = {"peer": peer, "text": text, "qr": mark_safe(qr_code_svg(text))}  # noqa: S308
    answer = render(request, "web/device.html", context)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_safe
@own_page
def device_file(request: HttpRequest, peer_id: int) -> HttpResponse:
    peer = own_peer(user_id=person_of(request).pk, peer_id=peer_id)
    if not peer.is_usable:
        raise ConfigNotFound("There is no such configuration.")
    text = customer_config(peer)
    return attachment(text, kind="application/octet-stream", name="konektika.conf")


@require_POST
@own_page
def remove_device(request: HttpRequest, peer_id: int) -> HttpResponse:
    revoke_now(peer=own_peer(user_id=person_of(request).pk, peer_id=peer_id))
    return redirect("web-internet")


@require_http_methods(["GET", "HEAD", "POST"])
@own_page
def help_page(request: HttpRequest) -> HttpResponse:
    """One button: look, mend what can be mended, say what is wrong."""
    if request.method != "POST":
        form = ReceiptForm(initial=typed(request))
        return render(request, "web/help.html", {"receipt_form": form})
    refuse_flood(request, HelpThrottle)
    helped = help_customer(person_of(request))
    code, step = next_step(helped.now)
    context = {
        "found": helped.now,
        "text": sentence(helped.now, timezone.now()),
        "did": helped.did,
        "step_code": code,
        "step": step,
        "receipt_form": ReceiptForm(),
    }
    return render(request, "web/help.html", context)


def _percent(subscription: Subscription) -> int:
    return min(100, subscription.data_used_bytes * 100 // (subscription.data_limit_bytes or 1))
