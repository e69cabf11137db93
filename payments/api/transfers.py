"""A customer's credit, and money on its way to a person: mounted under `/api/payments/`."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.api.person import signed_in
from common.rest import Pages, Reply
from payments import ledger
from payments.api.keys import own_key
from payments.api.serializers import (
    CreditReturnSerializer,
    CreditSerializer,
    TransferListSerializer,
    TransferSerializer,
)
from payments.models import Transfer
from payments.selectors import transfers_to
from payments.services.return_credit import return_credit


class CreditView(APIView):
    """What the signed-in person has in credit."""

    @extend_schema(responses=CreditSerializer)
    def get(self, request: Request) -> Response:
        credit = {"balance": ledger.credit_of(signed_in(request).pk), "currency": "TZS"}
        return Reply(credit, message=_("Your credit"))


class CreditReturnView(APIView):
    """Credit goes back to the number that paid, and nowhere else."""

    @extend_schema(
        request=CreditReturnSerializer,
        responses={201: TransferSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="At most 64 characters. Without it, a return that is under way is given "
                "instead of a second one",
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Have it sent; the answer says to which number."""
        asked = CreditReturnSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        customer = signed_in(request)
        transfer = return_credit(
            customer_id=customer.pk,
            request_key=own_key(request, f"return:{customer.pk}"),
            amount=asked.validated_data.get("amount"),
        )
        return Reply(
            TransferSerializer(transfer).data,
            message=_("Your credit is on its way back to the number that paid."),
            status=status.HTTP_201_CREATED,
        )


class TransferViewSet(GenericViewSet[Transfer]):
    """The signed-in person's refunds, credit sent back and payouts."""

    serializer_class = TransferSerializer
    pagination_class = Pages
    queryset = Transfer.objects.none()

    @extend_schema(responses=TransferListSerializer)
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(transfers_to(signed_in(request).pk)) or []
        return self.get_paginated_response(
            {
                "transfers": TransferSerializer(page, many=True).data,
                "message": _("Money sent to you"),
            }
        )
