"""Paying for a bundle, and what became of it: mounted under `/api/payments/`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.person import signed_in
from accounts.models import User
from bundles.api.serializers import (
    InitiateSerializer,
    PaybillRequestSerializer,
    PaybillSerializer,
    PaymentListSerializer,
    PaymentSerializer,
    shown_payment,
)
from bundles.selectors import own_payment, shown_of
from bundles.services.buy import buy_bundle
from bundles.services.offer_paybill import offer_paybill
from common.errors import DomainError
from common.rest import Pages, Reply
from payments.models import IdempotentRequest, Payment
from payments.services.ask_now import ask_now
from payments.services.idempotency import claim_key, release_key

PAYMENT_ID = OpenApiParameter(
    "payment_id", str, OpenApiParameter.PATH, description="Payment id or transaction reference"
)
STATUS_MESSAGE = "Payment status"


class PurchaseViewSet(GenericViewSet[Payment]):
    """The signed-in person's payments; anybody else's are not found."""

    serializer_class = PaymentSerializer
    pagination_class = Pages
    queryset = Payment.objects.none()

    @extend_schema(
        request=InitiateSerializer,
        responses={201: PaymentSerializer, 200: PaymentSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="At most 64 characters; repeating a request with it does nothing twice",
            )
        ],
    )
    @action(detail=False, methods=["post"])
    def initiate(self, request: Request) -> Response:
        """Ask the phone for the money. Answers at once; the PIN is waited for elsewhere."""
        asked = InitiateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        customer = signed_in(request)
        claimed = _claim(request, customer)
        if claimed is not None and claimed.payment is not None:
            return _replayed(claimed.payment)
        try:
            payment, is_new = buy_bundle(
                customer=customer,
                bundle_id=asked.validated_data["bundle_id"],
                phone=asked.validated_data["phone_number"],
                provider=asked.wanted_provider(),
                use_credit=asked.validated_data["use_credit"],
                gift_phone=asked.validated_data["gift_phone"] or "",
                claimed=claimed,
            )
        except DomainError:
            if claimed is not None:
                release_key(claimed=claimed)
            raise
        return Reply(
            _shown(payment),
            message=_what_to_do(payment),
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )

    @extend_schema(request=PaybillRequestSerializer, responses=PaybillSerializer)
    @action(detail=False, methods=["post"])
    def paybill(self, request: Request) -> Response:
        """What to dial to pay by the provider's own menu. Asking again gives the same reference."""
        asked = PaybillRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        offer = offer_paybill(
            customer=signed_in(request), bundle_id=asked.validated_data["bundle_id"]
        )
        return Reply(
            PaybillSerializer(offer).data,
            message=_("Pay to one of these numbers and type the reference."),
        )

    @extend_schema(responses=PaymentSerializer, parameters=[PAYMENT_ID])
    @action(detail=False, url_path="status/(?P<payment_id>[^/]+)", url_name="status")
    def state(self, request: Request, payment_id: str) -> Response:
        """What is known of a payment now."""
        payment = own_payment(user_id=signed_in(request).pk, name=payment_id)
        return Reply(shown_payment(payment), message=STATUS_MESSAGE)

    @extend_schema(request=None, responses=PaymentSerializer, parameters=[PAYMENT_ID])
    @action(detail=False, methods=["get", "post"], url_path="query/(?P<payment_id>[^/]+)")
    def query(self, request: Request, payment_id: str) -> Response:
        """What is known of a payment after asking the provider, where it can be asked now."""
        user_id = signed_in(request).pk
        ask_now(payment=own_payment(user_id=user_id, name=payment_id))
        payment = own_payment(user_id=user_id, name=payment_id)
        return Reply(shown_payment(payment), message=STATUS_MESSAGE)

    @extend_schema(responses=PaymentListSerializer)
    @action(detail=False)
    def history(self, request: Request) -> Response:
        """The person's payments, newest first."""
        own = Payment.objects.filter(payer_id=signed_in(request).pk).order_by("-id")
        page = self.paginate_queryset(shown_of(own)) or []
        shown = [shown_payment(payment) for payment in page]
        return self.get_paginated_response({"payments": shown, "message": _("Your payments")})


def _shown(payment: Payment) -> dict[str, Any]:
    """A payment that was just made or found, as the app reads it."""
    return shown_payment(shown_of(Payment.objects.filter(pk=payment.pk)).get())


def _claim(request: Request, customer: User) -> IdempotentRequest | None:
    key = request.headers.get("Idempotency-Key")
    return claim_key(user=customer, key=key, body=request.data) if key is not None else None


def _what_to_do(payment: Payment) -> str:
    if payment.payment_method == Payment.CREDIT:
        return _("Your credit has paid for it.")
    return _("Enter your PIN on your phone to pay.")


def _replayed(payment: Payment) -> Response:
    reply = Reply(
        _shown(payment),
        message=_what_to_do(payment),
        status=status.HTTP_201_CREATED,
    )
    reply["Idempotent-Replayed"] = "true"
    return reply
