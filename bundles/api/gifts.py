"""Gifts from and to the signed-in person: mounted under `/api/gifts`."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from accounts.api.person import signed_in
from accounts.models import User
from bundles.api.serializers import (
    ClaimGiftSerializer,
    GiftListSerializer,
    GiftSerializer,
    GiveDataSerializer,
)
from bundles.models import Gift
from bundles.selectors import gift_behind, gift_to, gifts_of
from bundles.services.claim_gift import claim_gift
from bundles.services.give_data import give_data
from bundles.services.return_gift import take_back
from common.rest import Pages, Reply

MEGABYTE = 10**6


class GiftThrottle(UserRateThrottle):
    """A link's token cannot be guessed; sixty in an hour are enough for anybody all the same."""

    scope = "gift"
    rate = "60/hour"

    def allow_request(self, request: Request, view: APIView) -> bool:
        return request.method == "GET" or super().allow_request(request, view)


class GiftsView(APIView):
    throttle_classes = (GiftThrottle,)

    @extend_schema(responses=GiftListSerializer)
    def get(self, request: Request) -> Response:
        """What the person has given, and what was given to them; the latest first."""
        person, pages = signed_in(request), Pages()
        found = pages.paginate_queryset(gifts_of(person), request, view=self)
        shown = GiftSerializer(found, many=True, context={"person": person}).data
        return pages.get_paginated_response({"gifts": shown, "message": _("Your gifts")})

    @extend_schema(request=GiveDataSerializer, responses={201: GiftSerializer})
    def post(self, request: Request) -> Response:
        """Give part of one's remaining data to whoever has a phone. The receiver is told by SMS."""
        asked = GiveDataSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given, person = asked.validated_data, signed_in(request)
        gift = give_data(
            giver=person,
            subscription_id=given["subscription_id"],
            phone=given["phone"],
            data_bytes=given["data_mb"] * MEGABYTE,
        )
        message = _("It is off your data. The receiver is told by SMS.")
        return _reply(gift, person, message, status.HTTP_201_CREATED)


class ClaimGiftView(APIView):
    throttle_classes = (GiftThrottle,)

    @extend_schema(request=ClaimGiftSerializer, responses=GiftSerializer)
    def post(self, request: Request) -> Response:
        """Claim a gift by the token of its link, or by its id where the proved phone is the gift's.

        Asked again, the same is answered.
        """
        asked = ClaimGiftSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        person, token = signed_in(request), asked.validated_data["token"]
        gift = gift_behind(token) if token else gift_to(person, asked.validated_data["gift_id"])
        return _reply(claim_gift(gift=gift, claimer=person), person, _("The gift is yours."))


class TakeGiftBackView(APIView):
    throttle_classes = (GiftThrottle,)

    @extend_schema(request=None, responses=GiftSerializer)
    def post(self, request: Request, gift_id: int) -> Response:
        """Take back what nobody has claimed: a price becomes credit, data is one's own again."""
        person = signed_in(request)
        return _reply(
            take_back(giver=person, gift_id=gift_id), person, _("The gift is yours again.")
        )


def _reply(gift: Gift, person: User, message: str, code: int = status.HTTP_200_OK) -> Response:
    shown = GiftSerializer(gift, context={"person": person}).data
    return Reply(shown, message=message, status=code)
