"""Devices: found by whatever the customer reads out, read as one story."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import display
from unfold.views import ChangeList

from accounts.admin import of_people
from common.admin import BusinessDays, Endless, FilteredList, ReadOnly, Sought, WithPage, newest
from common.clock import business_day
from common.shown_phone import shown_phone
from common.sizes import in_words
from vpn.admin.labels import HANDSHAKE_LABELS, PEER_LABELS
from vpn.admin.peer_page import PeerPage, handshake, page_of
from vpn.admin.peer_verbs import PeerVerbs
from vpn.models import ONLINE_FOR, Gateway, Peer
from vpn.traffic import Traffic, of_peers


class ConnectedFilter(admin.SimpleListFilter):
    title = "connected"
    parameter_name = "connected"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("online", "Online"), ("before", "Before, not now"), ("never", "Never")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Peer]) -> QuerySet[Peer]:
        since = timezone.now() - ONLINE_FOR
        if self.value() == "online":
            return queryset.filter(handshake_at__gt=since)
        if self.value() == "before":
            return queryset.filter(handshake_at__lte=since)
        if self.value() == "never":
            return queryset.filter(handshake_at=None)
        return queryset


class MeteredList(FilteredList):
    """One page of devices, whose traffic is summed by one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        peers: list[Peer] = list(self.result_list)  # type: ignore[has-type]  # unfold's is untyped
        found = of_peers([peer.pk for peer in peers], today=business_day(timezone.now()))
        for peer in peers:
            peer.traffic = found.get(peer.pk, Traffic())  # type: ignore[attr-defined]  # for the page
        self.result_list = peers


@admin.register(Peer)
class PeerAdmin(Endless, Sought, ReadOnly, WithPage, PeerVerbs):
    list_display = [
        "device_name",
        "gateway",
        "tunnel_address",
        "shown_state",
        "connected",
        "today",
        "ever",
    ]
    list_filter = ["state", ConnectedFilter, "gateway", ("created_at", BusinessDays)]
    list_filter_submit = True
    list_per_page = 50
    list_prefetch = [
        "subscription__customer",
        "subscription__bundle",
        "gateway",
        "address",
    ]
    search_help_text = "Customer's phone in any form, beginning of their e-mail or name, public key, tunnel address"
    change_form_template = "vpn/admin/peer.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MeteredList

    def sought(self, term: str) -> Iterator[QuerySet[Peer, int]]:
        yield newest(Peer.objects.filter(live_public_key=term))
        yield newest(Peer.objects.filter(_at(term)))
        yield from of_people(Peer.objects.all(), term, column="subscription__customer")

    def get_list_display(self, request: HttpRequest) -> list[str | Callable[[Peer], Any]]:
        @display(description="Customer", ordering="subscription__customer__full_name", header=True)
        def customer(peer: Peer) -> tuple[str, str]:
            person = peer.subscription.customer
            return str(person), shown_phone(request, person.phone) or person.email

        device, *others = self.list_display
        return [device, customer, *others]

    @display(description="Address", header=True)
    def tunnel_address(self, peer: Peer) -> tuple[str, ...]:
        return tuple(address.partition("/")[0] for address in peer.tunnel_addresses)

    @display(description="State", ordering="state", label=PEER_LABELS)
    def shown_state(self, peer: Peer) -> str:
        return peer.state

    @display(description="Last handshake", ordering="handshake_at", label=HANDSHAKE_LABELS)
    def connected(self, peer: Peer) -> str:
        return handshake(peer, timezone.now())

    @display(description="Today")
    def today(self, peer: Peer) -> str:
        return in_words(_traffic(peer).today)

    @display(description="In all")
    def ever(self, peer: Peer) -> str:
        return in_words(_traffic(peer).ever)

    def page_of(self, request: HttpRequest, row: Peer) -> PeerPage:
        return page_of(row)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            customer = obj.subscription.customer
            context["phone"] = shown_phone(request, customer.phone, customer.pk)
        return super().render_change_form(request, context, add, change, form_url, obj)


def _at(text: str) -> Q:
    """Devices that have or had a tunnel address, written with or without its prefix length."""
    found = Q(pk__in=())
    try:
        address = ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        return found
    for gateway in Gateway.objects.only("range4", "range6"):
        number = gateway.number_of(address)
        if number is not None:
            found |= Q(address__gateway=gateway.pk, address__number=number)
    return found


def _traffic(peer: Peer) -> Traffic:
    traffic: Traffic = peer.traffic  # type: ignore[attr-defined]  # of `MeteredList`
    return traffic
