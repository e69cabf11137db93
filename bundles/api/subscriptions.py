"""What the signed-in person may use: mounted under `/api/users/`."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.person import signed_in
from bundles.api.serializers import (
    RenewalSerializer,
    SubscriptionListSerializer,
    SubscriptionReplySerializer,
    SubscriptionSerializer,
)
from bundles.models import Subscription
from bundles.selectors import own_subscription, subscriptions_of
from bundles.services.renew import switch_renewal
from common.rest import Pages, Reply

SUBSCRIPTION_ID = OpenApiParameter("subscription_id", int, OpenApiParameter.PATH)


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
                "message": _("Your subscriptions"),
            }
        )

    @extend_schema(
        request=RenewalSerializer,
        responses=SubscriptionReplySerializer,
        parameters=[SUBSCRIPTION_ID],
    )
    def renewal(self, request: Request, subscription_id: int) -> Response:
        """Have it bought again from one's credit by itself, or not any more."""
        customer = signed_in(request)
        own_subscription(user_id=customer.pk, subscription_id=subscription_id)
        asked = RenewalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        subscription = switch_renewal(
            customer=customer,
            subscription_id=subscription_id,
            is_wanted=asked.validated_data["auto_renew"],
        )
        return Reply(
            {"subscription": SubscriptionSerializer(subscription).data},
            message=_("It is bought again from your credit when it is nearly over or used up.")
            if subscription.is_renewed
            else _("It is not bought again by itself."),
        )
