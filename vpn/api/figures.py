"""Figures of the VPN, as the gateways have metered it."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.api.person import signed_in
from accounts.models import User
from common.rest import Pages, Reply
from vpn.api.serializers import (
    ConnectionSerializer,
    ConnectionsSerializer,
    StatusReplySerializer,
    UsageQuerySerializer,
    UsageSerializer,
)
from vpn.models import Connection, Gateway
from vpn.selectors import bytes_used, connections_of, devices_online, devices_served, usage_by_day


class IsOwnerOrStaff(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        person = request.user
        return isinstance(person, User) and person.role in (User.Role.OWNER, User.Role.STAFF)


class StatusView(APIView):
    """Of the whole VPN for staff; an owner's figures are those of the owner's own bundles."""

    permission_classes = [*APIView.permission_classes, IsOwnerOrStaff]

    @extend_schema(responses=StatusReplySerializer)
    def get(self, request: Request) -> Response:
        person = signed_in(request)
        owner_id = person.pk if person.role == User.Role.OWNER else None
        figures = {
            "initialized": Gateway.objects.exists(),
            "running": Gateway.objects.filter(state=Gateway.State.ACTIVE).exists(),
            "active_connections": devices_online(owner_id=owner_id),
            "total_data_transferred": bytes_used(owner_id=owner_id),
            "configured_devices": devices_served(owner_id=owner_id),
        }
        return Reply({"status": figures}, message=_("VPN status"))


class UsageView(APIView):
    """The signed-in person's bytes by day, the oldest first; days without any are left out."""

    @extend_schema(parameters=[UsageQuerySerializer], responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        asked = UsageQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        person = signed_in(request).pk
        figures = {
            "usage": usage_by_day(customer_id=person, days=asked.validated_data["days"]),
            "total_bytes": bytes_used(customer_id=person),
        }
        return Reply(UsageSerializer(figures).data, message=_("Your usage"))


class ConnectionViewSet(GenericViewSet[Connection]):
    """The signed-in person's sessions, the latest first."""

    serializer_class = ConnectionSerializer
    pagination_class = Pages
    queryset = Connection.objects.none()

    @extend_schema(responses=ConnectionsSerializer)
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(connections_of(signed_in(request).pk)) or []
        shown = [ConnectionSerializer(connection).data for connection in page]
        return self.get_paginated_response(
            {
                "connections": shown,
                "message": _("Your connections"),
            }
        )
