"""What is on sale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from bundles.api.serializers import BundleListSerializer, BundleReplySerializer, BundleSerializer
from bundles.errors import BundleNotFound
from bundles.models import Bundle
from bundles.selectors import bundles_matching, bundles_on_sale, catalogue_version
from common.envelope import success
from common.rest import Pages, Reply, page_asked

PAGES_KEPT = 64  # of 33 KB at most


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the catalogue as it goes over the wire."""

    body: bytes
    etag: str


class BundleViewSet(GenericViewSet[Bundle]):
    """The catalogue; open to people who have not signed in yet."""

    permission_classes = [AllowAny]
    serializer_class = BundleSerializer
    pagination_class = Pages
    queryset = Bundle.objects.none()
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(responses=BundleListSerializer)
    def list(self, request: Request) -> HttpResponse:
        return page_on_sale(request._request)

    @extend_schema(
        responses=BundleListSerializer,
        parameters=[OpenApiParameter("q", str, description="Part of a name or description")],
    )
    @action(detail=False)
    def search(self, request: Request) -> Response:
        text = request.query_params.get("q", "").strip()
        return self._page(bundles_matching(text), _("Search results"))

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


def page_on_sale(request: HttpRequest) -> HttpResponse:
    """One page; whoever has it and sends its `ETag` is told so. Raises ValidationError.

    A page is kept by each process. The catalogue's version is read before it with each request, and
    no two have the same: no change is missed.
    """
    asked = page_asked(request.GET)
    version = catalogue_version()
    page = _kept(version, *asked) if version else _made(*asked)
    headers = {"ETag": page.etag, "Cache-Control": "no-cache"}
    answer = HttpResponse(page.body, content_type="application/json", headers=headers)
    return get_conditional_response(request, etag=page.etag, response=answer) or answer


@lru_cache(PAGES_KEPT)
def _kept(version: str, page: int, limit: int) -> _Page:
    return _made(page, limit)


def _made(page: int, limit: int) -> _Page:
    pages = Pages(page, limit)
    bundles = BundleSerializer(pages.cut(bundles_on_sale()), many=True).data
    body = success({"bundles": bundles, "pagination": pages.pagination}, message="Bundles")
    return _Page(body, f'"{sha256(body).hexdigest()[:32]}"')
