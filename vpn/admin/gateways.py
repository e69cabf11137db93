"""Gateways: how they do, what passes, and what may be done with them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from common.admin import WithPage
from vpn.admin.gateway_form import FIELDS, RANGES, GatewayForm
from vpn.admin.gateway_page import GatewayPage, page_of
from vpn.admin.gateway_verbs import GatewayVerbs
from vpn.admin.labels import GATEWAY_LABELS, HEALTH_LABELS
from vpn.gateway_health import GatewayHealth, with_health
from vpn.models import Gateway
from vpn.services.publish import publish

OWNERS = ("owner", admin.RelatedOnlyFieldListFilter)  # not everybody who has an account
TOLD_TO_AGENT = frozenset({"name", "endpoint_port", *RANGES})  # docs/agent-protocol.md


class HealthFilter(admin.SimpleListFilter):
    title = "health"
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(health.value, health.label) for health in GatewayHealth]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> QuerySet[Gateway]:
        health = self.value()
        return queryset.filter(Q(("health", health))) if health else queryset


@admin.register(Gateway)
class GatewayAdmin(WithPage, GatewayVerbs):
    """Ranges are fixed once customers have files that name them; keys come from the agent."""

    form = GatewayForm
    list_display = [
        "name",
        "region",
        "owner",
        "shown_state",
        "shown_health",
        "devices",
        "agent",
        "heard",
    ]
    list_filter = [HealthFilter, "state", "region", "agent_backend", OWNERS]
    list_select_related = ["owner"]
    list_per_page = 50
    ordering = ["name"]
    search_fields = ["name", "region", "endpoint_host", "owner__full_name", "owner__email"]
    search_help_text = "Name, region, endpoint's host, owner"
    autocomplete_fields = ["owner", "bundles"]
    change_form_outer_before_template = "vpn/admin/gateway.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gateway]:
        return with_health(super().get_queryset(request), timezone.now())

    def get_fields(self, request: HttpRequest, obj: Gateway | None = None) -> list[str]:
        is_fixed = obj is not None and obj.addresses.exists()
        return [name for name in FIELDS if not (is_fixed and name in RANGES)]

    @display(description="State", ordering="state", label=GATEWAY_LABELS)
    def shown_state(self, gateway: Gateway) -> str:
        return gateway.state

    @display(description="Health", ordering="health", label=HEALTH_LABELS)
    def shown_health(self, gateway: Gateway) -> str:
        return str(GatewayHealth(gateway.health).label)  # type: ignore[attr-defined]  # annotated

    @display(description="Devices", ordering="peers_served")
    def devices(self, gateway: Gateway) -> str:
        return f"{gateway.peers_served:,} of {gateway.capacity:,}"

    @display(description="Agent", ordering="agent_version", empty_value="None")
    def agent(self, gateway: Gateway) -> str:
        return " · ".join(filter(None, [gateway.agent_version, gateway.agent_backend]))

    @display(description="Last heard", ordering="seen_at", empty_value="Never")
    def heard(self, gateway: Gateway) -> str:
        if gateway.seen_at is None:
            return ""
        return f"{timezone.localtime(gateway.seen_at):%d.%m.%Y %H:%M:%S}"

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Gateway | None:
        """Locked where it is about to be saved, in a transaction: customers and reports change other
        columns of it.
        """
        if request.method == "POST" and connection.in_atomic_block:
            list(Gateway.objects.select_for_update().filter(pk=object_id).values("pk"))
        gateway: Gateway | None = super().get_object(request, object_id, from_field)
        return gateway

    def save_model(self, request: HttpRequest, obj: Gateway, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not TOLD_TO_AGENT.isdisjoint(form.changed_data):
            publish(obj, [])

    def page_of(self, request: HttpRequest, row: Gateway) -> GatewayPage:
        return page_of(row)

    def has_delete_permission(self, request: HttpRequest, obj: Gateway | None = None) -> bool:
        return False
