"""Figures of the VPN. Traffic is metered once a gateway reports; until then there is none to show."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.person import signed_in
from accounts.models import User
from common.rest import Reply
from vpn.api.serializers import ConnectionsSerializer, StatusReplySerializer, UsageSerializer
from vpn.models import Gateway, Peer
from vpn.selectors import bytes_used


class IsOwnerOrStaff(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        person = request.user
        return isinstance(person, User) and person.role in (User.Role.OWNER, User.Role.STAFF)


class StatusView(APIView):
    permission_classes = [*APIView.permission_classes, IsOwnerOrStaff]

    @extend_schema(responses=StatusReplySerializer)
    def get(self, request: Request) -> Response:
        figures = {
            "initialized": Gateway.objects.exists(),
            "running": Gateway.objects.filter(state=Gateway.State.ACTIVE).exists(),
            "active_connections": 0,
            "total_data_transferred": bytes_used(),
            "configured_devices": Peer.objects.filter(state=Peer.State.ACTIVE).count(),
        }
        return Reply({"status": figures}, message="VPN status")


class UsageView(APIView):
    """The signed-in person's bytes by day."""

    @extend_schema(responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        figures = {"usage": [], "total_bytes": bytes_used(signed_in(request).pk)}
        return Reply(figures, message="Your usage")


class ConnectionsView(APIView):
    """The signed-in person's sessions."""

    @extend_schema(responses=ConnectionsSerializer)
    def get(self, request: Request) -> Response:
        return Reply({"connections": []}, message="Your connections")
