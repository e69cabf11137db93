"""What customers ask about their own payments and connection."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.api.person import signed_in
from bundles.selectors import own_payment
from common.rest import Reply
from storefront.api.serializers import HelpSerializer, TimelineSerializer
from storefront.help import help_customer
from storefront.sentences import next_step, sentence
from storefront.timeline import timeline_of
from vpn.diagnosis import Diagnosis, diagnose_payment

PAYMENT_ID = OpenApiParameter(
    "payment_id", str, OpenApiParameter.PATH, description="Payment id or transaction reference"
)


class HelpThrottle(UserRateThrottle):
    """Each look may ask the provider: thirty in an hour are enough for anybody."""

    scope = "help"
    rate = "30/hour"


class TimelineView(APIView):
    """A payment's way so far, and what comes next."""

    @extend_schema(responses=TimelineSerializer, parameters=[PAYMENT_ID])
    def get(self, request: Request, payment_id: str) -> Response:
        customer = signed_in(request)
        payment = own_payment(user_id=customer.pk, name=payment_id)
        found = diagnose_payment(payment, timezone.now())
        body = {
            "payment_id": payment.public_id,
            "steps": timeline_of(payment, customer.language),
            "now": sentence(found, timezone.now()),
            "next_step": _next_step(found),
        }
        return Reply(TimelineSerializer(body).data, message="Your payment")


class HelpView(APIView):
    """ "I paid, but have no internet": finds what is wrong and mends what can be mended."""

    throttle_classes = (HelpThrottle,)

    @extend_schema(request=None, responses=HelpSerializer)
    def post(self, request: Request) -> Response:
        helped = help_customer(signed_in(request))
        found = helped.now
        text = sentence(found, timezone.now())
        body = {
            "finding": found.finding.value,
            "text": text,
            "is_online": found.is_fine,
            "did": helped.did,
            "next_step": _next_step(found),
            "payment_id": found.payment.public_id if found.payment else None,
            "subscription_id": found.subscription.pk if found.subscription else None,
            "config_id": found.peer.pk if found.peer else None,
        }
        return Reply(HelpSerializer(body).data, message=text)


def _next_step(found: Diagnosis) -> dict[str, Any]:
    code, text = next_step(found)
    return {"code": code, "text": text}
