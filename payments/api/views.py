"""What is purely about payments; what names a bundle lives in `bundles.api`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.rest import Reply
from payments.api.serializers import ProvidersSerializer
from payments.models import ProviderName
from payments.providers import registry


class ProvidersView(APIView):
    """Which providers can be paid with now."""

    permission_classes = [AllowAny]

    @extend_schema(responses=ProvidersSerializer)
    def get(self, request: Request) -> Response:
        providers = [
            {
                "provider": str(provider),
                "name": provider.label,
                "enabled": (is_usable := registry.takes_payments(provider)),
                "message": "" if is_usable else registry.unavailable(provider),
            }
            for provider in ProviderName
        ]
        body = {"providers": providers}
        # The released app reads the list at the top level.
        return Reply(body, message="Payment providers", top_level=body)
