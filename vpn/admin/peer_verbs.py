"""What staff do for a customer's device: each asks why, calls one service and is logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from unfold.decorators import action

from common import phone as phones
from common.admin import ModelAdmin
from common.confirmation import ReasonForm, confirm_verb
from vpn.admin.moving import MoveForm
from vpn.errors import NothingDone
from vpn.models import LIVE, Peer
from vpn.services.move import move_peer
from vpn.services.revoke import revoke_now
from vpn.services.rotate import rotate_for_customer
from vpn.services.tell import tell_again

Act = Callable[[Mapping[str, Any]], tuple[Peer, str]]


class RotateForm(ReasonForm):
    """`seen` is the public key that the page was about: sent a second time, it is gone."""

    seen = forms.CharField(max_length=44, widget=forms.HiddenInput)


class MoveDevicesForm(MoveForm):
    """`seen` is the gateway that the page was about: sent a second time, they have left it."""

    seen = forms.IntegerField(widget=forms.HiddenInput)


class PeerVerbs(ModelAdmin):
    actions_detail = ["resend", "rotate", "revoke", "move"]

    @action(
        description="Send it again",
        url_path="resend",
        permissions=["resend"],
        icon="sms",
    )
    def resend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        peer = _peer(object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Peer, str]:
            phone = tell_again(peer=peer, request_key=answers["key"])
            return peer, f"An SMS with a new link goes to {phones.mask(phone)}."

        sentence = "An SMS with a link that shows the configuration once, for a day."
        return _ask(self, request, peer, "Send it again", sentence, act)

    @action(
        description="Rotate keys",
        url_path="rotate-keys",
        permissions=["rotate"],
        icon="autorenew",
    )
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        peer = _peer(object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Peer, str]:
            _check_live(peer)
            if peer.public_key != answers["seen"]:
                raise NothingDone("It has had other keys since you opened this page.")
            rotate_for_customer(peer=peer)
            return peer, "The device has new keys. Send the customer the new configuration."

        sentence = (
            "The configuration that the customer has now stops working at once. "
            "Send the new one afterwards."
        )
        form = RotateForm(request.POST or None, initial={"seen": peer.public_key})
        return _ask(self, request, peer, "Rotate keys", sentence, act, form)

    @action(description="Revoke", url_path="revoke", permissions=["revoke"], icon="block")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        peer = _peer(object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Peer, str]:
            revoke_now(peer=peer)
            return peer, "The device is revoked."

        sentence = (
            "The device is cut off within seconds, for good. "
            "While the subscription lasts the customer may set up another."
        )
        return _ask(self, request, peer, "Revoke", sentence, act)

    @action(
        description="Move to another gateway",
        url_path="move",
        permissions=["move"],
        icon="move_down",
    )
    def move(self, request: HttpRequest, object_id: str) -> HttpResponse:
        peer = _peer(object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Peer, str]:
            _check_live(peer)
            if peer.gateway_id != answers["seen"] or not move_peer(peer=peer, to=answers["target"]):
                raise NothingDone("It has been moved since you opened this page.")
            return peer, "The subscription is moved. Send the customer the new configuration."

        sentence = (
            "All devices of the subscription move. They keep their keys, and need the new "
            "configuration: the address and the endpoint are others."
        )
        seen = {"seen": peer.gateway_id}
        form = MoveDevicesForm(request.POST or None, initial=seen, leaving=peer.gateway)
        return _ask(self, request, peer, "Move to another gateway", sentence, act, form)

    def has_resend_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, "vpn.change_peer", object_id, [Peer.State.ACTIVE])

    def has_rotate_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, "vpn.change_peer", object_id, LIVE)

    def has_revoke_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, "vpn.change_peer", object_id, LIVE)

    def has_move_permission(self, request: HttpRequest, object_id: str | int | None = None) -> bool:
        return _may(request, "vpn.change_gateway", object_id, LIVE)


def _peer(object_id: str) -> Peer:
    peers = Peer.objects.select_related("subscription__customer", "gateway", "address")
    return get_object_or_404(peers, pk=object_id)


def _check_live(peer: Peer) -> None:
    """Raises NothingDone."""
    if peer.state not in LIVE:
        raise NothingDone("This device is revoked or has moved: there is nothing to change.")


def _may(request: HttpRequest, permission: str, object_id: str | int | None, states: Any) -> bool:
    if object_id is None or not request.user.has_perm(permission):
        return False
    # Whoever sends a page twice is told what has become of it.
    return request.method == "POST" or Peer.objects.filter(pk=object_id, state__in=states).exists()


def _ask(
    model_admin: ModelAdmin,
    request: HttpRequest,
    peer: Peer,
    verb: str,
    sentence: str,
    act: Act,
    form: ReasonForm | None = None,
) -> HttpResponse:
    customer = peer.subscription.customer
    return confirm_verb(
        model_admin,
        request,
        row=peer,
        name=f"{peer.device_name} of {customer}",
        verb=verb,
        sentences=[f"{', '.join(peer.tunnel_addresses)} on gateway {peer.gateway}.", sentence],
        act=act,
        form=form,
    )
