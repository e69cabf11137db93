"""What is purely about payments; what names a bundle lives in `bundles.api`."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common import phone as phones
from common.openapi import BESIDE_DATA
from common.rest import Reply
from payments.api.serializers import OfferSerializer, PredictionSerializer, ProvidersSerializer
from payments.networks import provider_for
from payments.offers import offers


class ProvidersView(APIView):
    """Which providers can be paid with now."""

    permission_classes = [AllowAny]

    @extend_schema(responses=ProvidersSerializer, extensions={BESIDE_DATA: ["providers"]})
    def get(self, request: Request) -> Response:
        body = {"providers": OfferSerializer(offers(), many=True).data}
        # The released app reads the list at the top level.
        return Reply(body, message=_("Payment providers"), top_level=body)


class PredictionView(APIView):
    """Which provider a number probably is, and what paying with it will be like. The customer may
    choose another one.
    """

    permission_classes = [AllowAny]

    @extend_schema(
        responses=PredictionSerializer,
        parameters=[OpenApiParameter("phone_number", str, required=True)],
    )
    def get(self, request: Request) -> Response:
        phone = phones.parse(request.query_params.get("phone_number", ""))
        predicted = provider_for(requested="auto", phone=phone)
        offer = next(each for each in offers() if each.provider == predicted)
        body = {"phone_number": phone, **OfferSerializer(offer).data}
        message = gettext("This is probably a number of {name}.").format(name=offer.name)
        return Reply(body, message=message)
