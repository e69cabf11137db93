"""What staff do to a gateway: each asks why, calls one service and is logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from unfold.decorators import action

from common.admin import ModelAdmin
from common.confirmation import confirm_verb
from vpn.admin.moving import MoveForm
from vpn.models import LIVE, Gateway, Peer
from vpn.services.allow_shrink import allow_shrink
from vpn.services.change_state import change_state
from vpn.services.enrol import issue_token
from vpn.services.move import drain_gateway

ACTIVE, DRAINING, OFFLINE = Gateway.State.ACTIVE, Gateway.State.DRAINING, Gateway.State.OFFLINE


class GatewayVerbs(ModelAdmin):
    actions_detail = [
        "move_customers",
        "allow_shrink",
        {"title": "State", "items": ["drain", "put_in_service", "take_out_of_service"]},
        "new_token",
    ]

    @action(
        description="New enrolment token",
        url_path="new-token",
        permissions=["new_token"],
        icon="key",
    )
    def new_token(self, request: HttpRequest, object_id: str) -> HttpResponse:
        gateway = get_object_or_404(Gateway, pk=object_id)
        issued: list[str] = []

        def act(answers: Mapping[str, Any]) -> tuple[Gateway, str]:
            issued.append(issue_token(gateway))
            return gateway, "A new enrolment token was made."

        sentences = [
            "With the token a machine becomes this gateway. It is good for 15 minutes and is shown "
            "once; an earlier one is good no more.",
        ]
        answer = confirm_verb(
            self,
            request,
            row=gateway,
            name=gateway,
            verb="New enrolment token",
            sentences=sentences,
            act=act,
        )
        return self._token_page(request, gateway, issued[0]) if issued else answer

    def _token_page(self, request: HttpRequest, gateway: Gateway, token: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Enrolment token of {gateway}",
            "gateway": gateway,
            "token": token,
            "server": settings.PUBLIC_URL,
        }
        answer = TemplateResponse(request, "vpn/admin/token.html", context)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @action(description="Drain", url_path="drain", permissions=["drain"], icon="logout")
    def drain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_state(
            request,
            object_id,
            DRAINING,
            "Drain",
            "It goes on serving the devices it has, and gets no new customer.",
            "It takes no new customers.",
        )

    @action(
        description="Put in service",
        url_path="put-in-service",
        permissions=["put_in_service"],
        icon="play_arrow",
    )
    def put_in_service(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_state(
            request,
            object_id,
            ACTIVE,
            "Put in service",
            "It gets new customers, once its agent has enrolled.",
            "It is in service.",
        )

    @action(
        description="Take out of service",
        url_path="take-out-of-service",
        permissions=["take_out_of_service"],
        icon="power_settings_new",
    )
    def take_out_of_service(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._change_state(
            request,
            object_id,
            OFFLINE,
            "Take out of service",
            "It gets no new customers. This moves nobody: move its customers first, if it can wait.",
            "It is out of service.",
        )

    def _change_state(
        self,
        request: HttpRequest,
        object_id: str,
        state: Gateway.State,
        verb: str,
        meaning: str,
        done: str,
    ) -> HttpResponse:
        gateway = get_object_or_404(Gateway, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Gateway, str]:
            change_state(gateway=gateway, state=state)
            return gateway, done

        return confirm_verb(
            self,
            request,
            row=gateway,
            name=gateway,
            verb=verb,
            sentences=[_devices(gateway), meaning],
            act=act,
        )

    @action(
        description="Move its customers",
        url_path="move-customers",
        permissions=["move_customers"],
        icon="move_down",
    )
    def move_customers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        gateway = get_object_or_404(Gateway, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Gateway, str]:
            moved, left = drain_gateway(gateway=gateway, to=answers["target"])
            return gateway, f"Moved {moved:,} customers; {left:,} devices are still here."

        sentences = [
            _devices(gateway),
            "Each keeps its keys and needs its new configuration: the address and the endpoint are "
            "others.",
        ]
        form = MoveForm(request.POST or None, leaving=gateway)
        return confirm_verb(
            self,
            request,
            row=gateway,
            name=gateway,
            verb="Move the customers",
            sentences=sentences,
            act=act,
            form=form,
        )

    @action(
        description="Allow the smaller state",
        url_path="allow-shrink",
        permissions=["allow_shrink"],
        icon="compress",
    )
    def allow_shrink(self, request: HttpRequest, object_id: str) -> HttpResponse:
        gateway = get_object_or_404(Gateway, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Gateway, str]:
            allow_shrink(gateway=gateway)
            return gateway, "It may remove devices for ten minutes."

        sentences = [
            f"It has refused revision {gateway.refused_revision}, which removes more than a fifth of "
            "its devices.",
            f"It is to serve {gateway.peers_served:,} devices. For ten minutes it removes all others.",
        ]
        return confirm_verb(
            self,
            request,
            row=gateway,
            name=gateway,
            verb="Allow the smaller state",
            sentences=sentences,
            act=act,
        )

    def has_new_token_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id)

    def has_drain_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id, state__in=[ACTIVE, OFFLINE])

    def has_put_in_service_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id, state__in=[DRAINING, OFFLINE])

    def has_take_out_of_service_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id, state__in=[ACTIVE, DRAINING])

    def has_move_customers_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id, peers__state__in=LIVE)

    def has_allow_shrink_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id, refused_revision__isnull=False)


def _may(request: HttpRequest, object_id: str | int | None, **where: Any) -> bool:
    """Offered to those who keep gateways, for one that it means something to."""
    if object_id is None or not request.user.has_perm("vpn.change_gateway"):
        return False
    # A page that is sent twice is answered as at first, though nothing is to be done by then.
    return request.method == "POST" or Gateway.objects.filter(pk=object_id, **where).exists()


def _devices(gateway: Gateway) -> str:
    live = Peer.objects.filter(gateway=gateway, state__in=LIVE).count()
    return f"{live:,} {'device lives' if live == 1 else 'devices live'} on this gateway."
