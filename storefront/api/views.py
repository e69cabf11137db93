"""What customers ask about their own payments and connection."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_noop as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, UserRateThrottle
from rest_framework.views import APIView

from accounts.api.person import signed_in
from bundles.selectors import own_payment
from common.rest import Pages, Reply, attachment
from payments.models import Payment
from payments.selectors import claims_of, own_claim
from storefront.api.serializers import (
    AskRefundSerializer,
    ClaimReceiptSerializer,
    HelpSerializer,
    ReceiptClaimSerializer,
    ReceiptClaimsSerializer,
    RefundRequestSerializer,
    RefundRequestsSerializer,
    TimelineSerializer,
)
from storefront.help import help_customer
from storefront.models import RefundRequest
from storefront.receipts import take_receipt, tell, tell_in_short
from storefront.sentences import next_step, sentence
from storefront.services.ask_refund import ask_refund
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
            "steps": timeline_of(payment),
            "now": sentence(found, timezone.now()),
            "next_step": _next_step(found),
        }
        return Reply(TimelineSerializer(body).data, message=_("Your payment"))


class RefundsView(APIView):
    @extend_schema(responses=RefundRequestsSerializer)
    def get(self, request: Request) -> Response:
        """What the person has asked to have back, and the decisions; the latest first."""
        pages = Pages()
        asked = RefundRequest.objects.filter(customer=signed_in(request))
        rows = asked.select_related("payment", "transfer").order_by("-id")
        found = pages.paginate_queryset(rows, request, view=self)
        shown = RefundRequestSerializer(found, many=True).data
        return pages.get_paginated_response({"refunds": shown, "message": _("Your refunds")})


class AskRefundView(APIView):
    throttle_classes = (HelpThrottle,)

    @extend_schema(
        request=AskRefundSerializer,
        responses={201: RefundRequestSerializer},
        parameters=[PAYMENT_ID],
    )
    def post(self, request: Request, payment_id: str) -> Response:
        """Ask to have a payment back. What was never used goes back at once; else staff decide."""
        customer = signed_in(request)
        payment = own_payment(user_id=customer.pk, name=payment_id)
        asked = AskRefundSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = ask_refund(payment=payment, customer=customer, why=asked.validated_data["why"])
        message = (
            _("Your money is on its way back to you.")
            if made.state == RefundRequest.State.GRANTED
            else _("We have your wish. The decision comes by SMS.")
        )
        shown = RefundRequestSerializer(made).data
        return Reply(shown, message=message, status=status.HTTP_201_CREATED)


class ReceiptView(APIView):
    @extend_schema(
        responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY)},
        parameters=[PAYMENT_ID],
    )
    def get(self, request: Request, payment_id: str) -> HttpResponse:
        """The receipt of a payment that has bought something."""
        return receipt_file(own_payment(user_id=signed_in(request).pk, name=payment_id))


def receipt_file(payment: Payment) -> HttpResponse:
    """The receipt as an answer. Raises NoReceipt."""
    from storefront.receipt import receipt_pdf  # waits for Pillow and fontTools

    name = f"konektika-{payment.public_id}.pdf"
    return attachment(receipt_pdf(payment), kind="application/pdf", name=name)


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


class ReceiptClaimsView(APIView):
    def get_throttles(self) -> list[BaseThrottle]:
        return [HelpThrottle()] if self.request.method == "POST" else []

    @extend_schema(operation_id="help_receipts_list", responses=ReceiptClaimsSerializer)
    def get(self, request: Request) -> Response:
        """The receipts that the person has named, and what became of each; the latest first."""
        pages = Pages()
        found = pages.paginate_queryset(claims_of(signed_in(request).pk), request, view=self)
        shown = ReceiptClaimSerializer([tell_in_short(claim) for claim in found], many=True).data
        return pages.get_paginated_response({"receipts": shown, "message": _("Your receipts")})

    @extend_schema(
        request=ClaimReceiptSerializer,
        responses={200: ReceiptClaimSerializer},
    )
    def post(self, request: Request) -> Response:
        """Name the receipt of a payment: found at once, or looked for until it is."""
        asked = ClaimReceiptSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        told = take_receipt(
            customer=signed_in(request),
            text=asked.validated_data["receipt"],
            provider=asked.validated_data["provider"],
        )
        return Reply(ReceiptClaimSerializer(told).data, message=told.text)


class ReceiptClaimView(APIView):
    @extend_schema(responses=ReceiptClaimSerializer)
    def get(self, request: Request, claim_id: int) -> Response:
        """What became of a receipt that the person has named."""
        told = tell(own_claim(user_id=signed_in(request).pk, claim_id=claim_id))
        return Reply(ReceiptClaimSerializer(told).data, message=told.text)


def _next_step(found: Diagnosis) -> dict[str, Any]:
    code, text = next_step(found)
    return {"code": code, "text": text}
