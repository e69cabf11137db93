"""An owner's own business: mounted under `/api/owner/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.person import signed_in
from bundles.api.owner_serializers import (
    ApplySerializer,
    CustomerSerializer,
    CustomersSerializer,
    EarningsSerializer,
    OwnBundleReplySerializer,
    OwnBundleSerializer,
    OwnBundlesSerializer,
    OwnerReplySerializer,
    OwnerSerializer,
    OwnerSettingsSerializer,
    OwnOfferSerializer,
    PayoutSerializer,
    PeriodSerializer,
    SaleSerializer,
    SalesSerializer,
    StatementSerializer,
)
from bundles.api.statement_file import statement_file
from bundles.errors import InvalidPicture
from bundles.models import Bundle, Owner, Terms
from bundles.owner_figures import bundles_of, business_of, customers_of, earnings_of, sales_of
from bundles.owner_statement import statement_of
from bundles.services.offer import change_offer, offer_bundle, own_bundle
from bundles.services.owners import apply_as_owner, owner_of
from bundles.services.pay_owners import ask_payout, be_paid_weekly
from common.rest import Pages, Reply
from payments.api.keys import own_key
from payments.api.serializers import TransferSerializer

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="At most 64 characters. Without it, a payout that is under way is given instead of "
    "a second one",
)


class OwnerView(APIView):
    """The person's standing as a seller."""

    @extend_schema(responses=OwnerReplySerializer)
    def get(self, request: Request) -> Response:
        return _owner(owner_of(signed_in(request)), _("Your standing as an owner"))

    @extend_schema(request=OwnerSettingsSerializer, responses=OwnerReplySerializer)
    def put(self, request: Request) -> Response:
        asked = OwnerSettingsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data["is_paid_weekly"]
        owner = be_paid_weekly(person=signed_in(request), is_wanted=wanted)
        return _owner(owner, _("It is saved."))


class ApplyView(APIView):
    @extend_schema(request=ApplySerializer, responses={201: OwnerReplySerializer})
    def post(self, request: Request) -> Response:
        """Ask to sell. Staff decide; the answer comes by SMS."""
        asked = ApplySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        owner = apply_as_owner(person=signed_in(request), **asked.validated_data)
        return _owner(owner, _("We have your application."), status.HTTP_201_CREATED)


class OwnBundlesView(APIView):
    @extend_schema(operation_id="owner_bundles_list", responses=OwnBundlesSerializer)
    def get(self, request: Request) -> Response:
        page = Pages()
        found = page.paginate_queryset(bundles_of(signed_in(request).pk), request, view=self)
        return page.get_paginated_response({"bundles": _shown(found), "message": _("Your bundles")})

    @extend_schema(request=OwnOfferSerializer, responses={201: OwnBundleReplySerializer})
    def post(self, request: Request) -> Response:
        asked = OwnOfferSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        bundle = offer_bundle(person=signed_in(request), offer=asked.validated_data)
        return _bundle(bundle, _("It is on sale."), status.HTTP_201_CREATED)


class OwnBundleView(APIView):
    @extend_schema(responses=OwnBundleReplySerializer)
    def get(self, request: Request, bundle_id: int) -> Response:
        return _bundle(own_bundle(signed_in(request), bundle_id), _("Your bundle"))

    @extend_schema(request=OwnOfferSerializer(partial=True), responses=OwnBundleReplySerializer)
    def put(self, request: Request, bundle_id: int) -> Response:
        asked = OwnOfferSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        bundle = change_offer(
            person=signed_in(request), bundle_id=bundle_id, changes=asked.validated_data
        )
        return _bundle(bundle, _("It is saved. Purchases that were made stay as they are."))


class PauseView(APIView):
    @extend_schema(request=None, responses=OwnBundleReplySerializer)
    def post(self, request: Request, bundle_id: int) -> Response:
        """Sell it no more. Whoever has it, or is paying for it now, keeps it."""
        bundle = change_offer(
            person=signed_in(request), bundle_id=bundle_id, changes={"is_active": False}
        )
        return _bundle(bundle, _("It is not sold any more. Payments under way still buy it."))


class ResumeView(APIView):
    @extend_schema(request=None, responses=OwnBundleReplySerializer)
    def post(self, request: Request, bundle_id: int) -> Response:
        bundle = change_offer(
            person=signed_in(request), bundle_id=bundle_id, changes={"is_active": True}
        )
        return _bundle(bundle, _("It is on sale again."))


class PictureView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"picture": {"type": "string", "format": "binary"}},
            }
        },
        responses=OwnBundleReplySerializer,
    )
    def post(self, request: Request, bundle_id: int) -> Response:
        """JPEG, PNG or WebP, at most 5 MB."""
        from bundles.services.picture import set_picture  # waits for Pillow

        own_bundle(signed_in(request), bundle_id)
        upload = request.FILES.get("picture")
        if upload is None:
            raise InvalidPicture("Send the picture in the field `picture`.")
        bundle = set_picture(person=signed_in(request), bundle_id=bundle_id, upload=upload.file)
        return _bundle(bundle, _("The picture is saved."))


class SalesView(APIView):
    @extend_schema(responses=SalesSerializer)
    def get(self, request: Request) -> Response:
        found = sales_of(signed_in(request).pk)
        return _page(self, request, found, SaleSerializer, "sales", _("Your sales"))


class CustomersView(APIView):
    @extend_schema(responses=CustomersSerializer)
    def get(self, request: Request) -> Response:
        found = customers_of(signed_in(request).pk)
        return _page(self, request, found, CustomerSerializer, "customers", _("Your customers"))


class EarningsView(APIView):
    @extend_schema(responses=EarningsSerializer)
    def get(self, request: Request) -> Response:
        person = signed_in(request)
        body = {
            **asdict(earnings_of(person.pk)),
            "currency": "TZS",
            "commission_percent": Terms.current().commission_percent,
            "payouts_frozen_until": person.payouts_frozen_until,
        }
        return Reply(EarningsSerializer(body).data, message=_("Your earnings"))


class PayoutView(APIView):
    @extend_schema(request=PayoutSerializer, responses={201: TransferSerializer}, parameters=[KEY])
    def post(self, request: Request) -> Response:
        """Have it sent to your own phone, which has to be confirmed."""
        asked = PayoutSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        person = signed_in(request)
        transfer = ask_payout(
            person=person,
            amount=asked.validated_data.get("amount"),
            request_key=own_key(request, f"payout:{person.pk}"),
        )
        return Reply(
            TransferSerializer(transfer).data,
            message=_("Your earnings are on their way."),
            status=status.HTTP_201_CREATED,
        )


class StatementView(APIView):
    @extend_schema(parameters=[PeriodSerializer], responses=StatementSerializer)
    def get(self, request: Request) -> Response:
        statement = statement_of(signed_in(request).pk, *_period(request))
        return Reply(StatementSerializer(statement).data, message=_("Your statement"))


class StatementCsvView(APIView):
    @extend_schema(
        parameters=[PeriodSerializer],
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request: Request) -> HttpResponse:
        return _statement_file(request, "csv")


class StatementPdfView(APIView):
    @extend_schema(
        parameters=[PeriodSerializer],
        responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request: Request) -> HttpResponse:
        return _statement_file(request, "pdf")


def _shown(bundles: Sequence[Bundle]) -> list[dict[str, Any]]:
    context = {"business": business_of([bundle.pk for bundle in bundles])}
    return [dict(OwnBundleSerializer(bundle, context=context).data) for bundle in bundles]


def _bundle(bundle: Bundle, message: str, code: int = status.HTTP_200_OK) -> Response:
    return Reply({"bundle": _shown([bundle])[0]}, message=message, status=code)


def _owner(owner: Owner, message: str, code: int = status.HTTP_200_OK) -> Response:
    return Reply({"owner": OwnerSerializer(owner).data}, message=message, status=code)


def _page(
    view: APIView,
    request: Request,
    rows: QuerySet[Any],
    shape: type[SaleSerializer] | type[CustomerSerializer],
    name: str,
    message: str,
) -> Response:
    pages = Pages()
    found = pages.paginate_queryset(rows, request, view=view)
    shown = [shape(row).data for row in found]
    return pages.get_paginated_response({name: shown, "message": message})


def _statement_file(request: Request, form: str) -> HttpResponse:
    person = signed_in(request)
    return statement_file(statement_of(person.pk, *_period(request)), owner=person, form=form)


def _period(request: Request) -> tuple[date, date]:
    asked = PeriodSerializer(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return asked.validated_data["first"], asked.validated_data["last"]
