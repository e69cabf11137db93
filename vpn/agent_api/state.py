"""`GET /agent/v1/state`: what a gateway is to serve, as soon as it changes (docs/agent-protocol.md)."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpn.services.agents import agent_of
from vpn.services.wait import wait_for_news

WAIT_SECONDS_MAX = 25
WAITING_MAX = 8  # half of a web process's threads (Procfile); the others answer everybody else
ASK_AGAIN_SECONDS = 1

_waiting = BoundedSemaphore(WAITING_MAX)


class QuestionSerializer(serializers.Serializer[Any]):
    epoch = serializers.CharField(max_length=64)
    revision = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=None)
    digest = serializers.RegexField(r"^[0-9a-f]{64}$", default="")
    wait = serializers.FloatField(min_value=0, max_value=WAIT_SECONDS_MAX, default=0)


class StateView(APIView):
    """Its answer waits in a thread of the web process for the change."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        gateway = agent_of(request.headers.get("Authorization", ""))
        asked = QuestionSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        seconds = asked.validated_data.pop("wait")
        may_wait = _waiting.acquire(blocking=False)
        try:
            news = wait_for_news(gateway.pk, seconds if may_wait else 0, **asked.validated_data)
        finally:
            if may_wait:
                _waiting.release()
        if news is not None:
            return Response(news)
        crowded = {} if may_wait else {"Retry-After": str(ASK_AGAIN_SECONDS)}
        return Response(status=204, headers=crowded)
