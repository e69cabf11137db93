"""Subscriptions, with what only `vpn` knows of: the devices that use them."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from bundles.admin import SubscriptionAdmin
from bundles.models import Subscription
from vpn.admin.peer_page import handshake
from vpn.models import Peer


class DeliveredSubscriptionAdmin(SubscriptionAdmin):
    readonly_fields = [*SubscriptionAdmin.readonly_fields, "devices"]
    fields = [*SubscriptionAdmin.fields, "devices"]

    @display(description="Devices")
    def devices(self, subscription: Subscription) -> str:
        peers = list(Peer.objects.filter(subscription=subscription).order_by("-id"))
        if not peers:
            return "None yet"
        return format_html_join("\n", "<p>{}</p>", ((_device(peer),) for peer in peers))


def _device(peer: Peer) -> SafeString:
    link = reverse("admin:vpn_peer_change", args=[peer.pk])
    state, seen = peer.get_state_display().lower(), handshake(peer, timezone.now()).lower()
    return format_html(
        '<a href="{}" class="underline">{}</a>: {}, {}', link, peer.device_name, state, seen
    )


admin.site.unregister(Subscription)
admin.site.register(Subscription, DeliveredSubscriptionAdmin)
