"""What is purely about payments; what names a bundle lives in `bundles.api`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.rest import Reply
from payments.api.serializers import ProvidersSerializer
from payments.models import ProviderName, ProviderSwitch
from payments.providers import registry


class ProvidersView(APIView):
    """Which providers can be paid with now."""

    permission_classes = [AllowAny]

    @extend_schema(responses=ProvidersSerializer)
    def get(self, request: Request) -> Response:
        switches = {switch.provider: switch for switch in ProviderSwitch.objects.all()}
        body = {"providers": [_told(each, switches.get(each)) for each in ProviderName]}
        # The released app reads the list at the top level.
        return Reply(body, message="Payment providers", top_level=body)


def _told(provider: ProviderName, switch: ProviderSwitch | None) -> dict[str, Any]:
    is_switched_off = switch is not None and not switch.takes_payments
    is_usable = not is_switched_off and registry.takes_payments(provider)
    notice = switch.notice if switch and is_switched_off else ""
    return {
        "provider": str(provider),
        "name": provider.label,
        "enabled": is_usable,
        "message": "" if is_usable else notice or registry.unavailable(provider),
    }
