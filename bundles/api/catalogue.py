"""What is on sale."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from bundles.api.serializers import BundleListSerializer, BundleReplySerializer, BundleSerializer
from bundles.errors import BundleNotFound
from bundles.models import Bundle
from bundles.selectors import bundles_matching, bundles_on_sale
from common.rest import Pages, Reply


class BundleViewSet(GenericViewSet[Bundle]):
    """The catalogue; open to people who have not signed in yet."""

    permission_classes = [AllowAny]
    serializer_class = BundleSerializer
    pagination_class = Pages
    queryset = Bundle.objects.none()
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(responses=BundleListSerializer)
    def list(self, request: Request) -> Response:
        return self._page(bundles_on_sale(), "Bundles")

    @extend_schema(
        responses=BundleListSerializer,
        parameters=[OpenApiParameter("q", str, description="Part of a name or description")],
    )
    @action(detail=False)
    def search(self, request: Request) -> Response:
        text = request.query_params.get("q", "").strip()
        return self._page(bundles_matching(text), "Search results")

    @extend_schema(
        responses=BundleReplySerializer,
        parameters=[OpenApiParameter("id", int, OpenApiParameter.PATH)],
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        bundle = bundles_on_sale().filter(pk=int(pk)).first()
        if bundle is None:
            raise BundleNotFound("This bundle does not exist any more.")
        return Reply({"bundle": BundleSerializer(bundle).data}, message=bundle.name)

    def _page(self, bundles: QuerySet[Bundle], message: str) -> Response:
        page = self.paginate_queryset(bundles)
        return self.get_paginated_response(
            {"bundles": BundleSerializer(page, many=True).data, "message": message}
        )
