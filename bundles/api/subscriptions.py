"""What the signed-in person may use: mounted under `/api/users/`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.person import signed_in
from bundles.api.serializers import SubscriptionListSerializer, SubscriptionSerializer
from bundles.models import Subscription
from bundles.selectors import subscriptions_of
from common.rest import Pages


class SubscriptionViewSet(GenericViewSet[Subscription]):
    serializer_class = SubscriptionSerializer
    pagination_class = Pages
    queryset = Subscription.objects.none()

    @extend_schema(responses=SubscriptionListSerializer)
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(subscriptions_of(signed_in(request).pk)) or []
        return self.get_paginated_response(
            {
                "subscriptions": SubscriptionSerializer(page, many=True).data,
                "message": "Your subscriptions",
            }
        )
