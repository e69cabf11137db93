"""A customer's configurations."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.person import signed_in
from common.rest import Pages, Reply
from vpn.api.serializers import (
    ConfigListSerializer,
    ConfigReplySerializer,
    ConfigSerializer,
    GenerateSerializer,
    RotateSerializer,
)
from vpn.models import Peer
from vpn.selectors import live_peers_of, own_peer
from vpn.services.generate import generate_config
from vpn.services.revoke import revoke_now
from vpn.services.rotate import rotate_keys
from vpn.wireguard_config import customer_config, qr_code

CONFIG_ID = OpenApiParameter("id", int, OpenApiParameter.PATH)


class ConfigViewSet(GenericViewSet[Peer]):
    """The signed-in person's devices; anybody else's are not found."""

    serializer_class = ConfigSerializer
    pagination_class = Pages
    queryset = Peer.objects.none()

    @extend_schema(responses=ConfigListSerializer)
    def list(self, request: Request) -> Response:
        """What a renewal would make work again is listed for a week, with `is_active` false."""
        page = self.paginate_queryset(live_peers_of(signed_in(request).pk)) or []
        return self.get_paginated_response(
            {
                "configs": [ConfigSerializer(peer).data for peer in page],
                "message": _("Your configurations"),
            }
        )

    @extend_schema(request=GenerateSerializer, responses=ConfigReplySerializer)
    def generate(self, request: Request) -> Response:
        """The configuration of a bought bundle; asking again gives the same one."""
        asked = GenerateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        peer = generate_config(customer=signed_in(request), **asked.validated_data)
        return Reply({"config": ConfigSerializer(peer).data}, message=_("Your VPN is ready."))

    @extend_schema(responses=ConfigReplySerializer, parameters=[CONFIG_ID])
    def retrieve(self, request: Request, pk: int) -> Response:
        peer = own_peer(user_id=signed_in(request).pk, peer_id=pk)
        return Reply({"config": ConfigSerializer(peer).data}, message=peer.device_name)

    @extend_schema(responses=None, parameters=[CONFIG_ID])
    def destroy(self, request: Request, pk: int) -> Response:
        """Revoke the device: its configuration stops working."""
        revoke_now(peer=own_peer(user_id=signed_in(request).pk, peer_id=pk))
        return Reply(message=_("The device is removed."))

    @extend_schema(
        request=RotateSerializer, responses=ConfigReplySerializer, parameters=[CONFIG_ID]
    )
    def rotate(self, request: Request, pk: int) -> Response:
        """New keys at the same address: the configuration that the device had stops working.

        A phone that made its own pair keeps it, unless it sends another public key.
        """
        peer = own_peer(user_id=signed_in(request).pk, peer_id=pk)
        asked = RotateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        rotated = rotate_keys(peer=peer, **asked.validated_data)
        return Reply({"config": ConfigSerializer(rotated).data}, message=_("The keys are new."))

    @extend_schema(
        responses={(200, "image/png"): OpenApiResponse(OpenApiTypes.BINARY)},
        parameters=[CONFIG_ID],
    )
    def qr(self, request: Request, pk: int) -> HttpResponse:
        """The configuration as a PNG to scan with WireGuard's app."""
        peer = own_peer(user_id=signed_in(request).pk, peer_id=pk)
        return HttpResponse(
            qr_code(customer_config(peer)),
            content_type="image/png",
            headers={"Cache-Control": "no-store"},
        )
