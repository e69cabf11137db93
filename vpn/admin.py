"""Gateways and peers, for staff."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from vpn.models import Gateway, Peer
from vpn.services.revoke import revoke_now


@admin.register(Gateway)
class GatewayAdmin(ModelAdmin):
    """Ranges and keys are fixed once customers have files that name them."""

    list_display = ["name", "endpoint", "range4", "range6", "region", "state"]
    fields = [
        "name",
        "endpoint_host",
        "endpoint_port",
        "dns",
        "state",
        "region",
        "range4",
        "range6",
        "public_key",
        "created_at",
    ]
    readonly_fields = ["range4", "range6", "public_key", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Gateway | None = None) -> bool:
        return False


@admin.register(Peer)
class PeerAdmin(ModelAdmin):
    """Devices; keys are never shown."""

    list_display = ["id", "customer", "device_name", "tunnel_address", "shown_state", "created_at"]
    list_filter = ["state", "gateway", "created_at"]
    list_select_related = ["subscription__customer", "gateway", "address"]
    search_fields = [
        "subscription__customer__email",
        "subscription__customer__phone",
        "public_key",
        "device_name",
    ]
    list_per_page = 50
    fields = [
        "subscription",
        "gateway",
        "device_name",
        "tunnel_address",
        "public_key",
        "state",
        "created_at",
        "revoked_at",
    ]
    actions = ["revoke_selected"]

    @display(description="Customer")
    def customer(self, peer: Peer) -> str:
        return str(peer.subscription.customer)

    @display(description="Address")
    def tunnel_address(self, peer: Peer) -> str:
        return ", ".join(peer.tunnel_addresses)

    @display(
        description="State",
        label={"active": "success", "suspended": "warning", "revoked": "danger"},
    )
    def shown_state(self, peer: Peer) -> str:
        return peer.state

    @admin.action(description="Revoke the selected devices", permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Peer]) -> None:
        for peer in queryset.filter(state=Peer.State.ACTIVE):
            revoke_now(peer=peer)
            self.log_change(request, peer, "Revoked")
        self.message_user(request, "The devices are revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("vpn.change_peer"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Peer | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Peer | None = None) -> bool:
        return False
