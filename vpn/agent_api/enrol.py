"""`POST /agent/v1/enrol`: a machine becomes a gateway's (docs/agent-protocol.md)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpn.services.enrol import enrol


class EnrolSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100)
    public_key = serializers.CharField(max_length=44)
    version = serializers.CharField(max_length=20)


class EnrolView(APIView):
    """The token is the proof; it is good once and for a quarter of an hour."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [JSONRenderer]

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        asked = EnrolSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        enrolment = enrol(**asked.validated_data)
        answer = {"gateway_id": enrolment.gateway_id, "secret": enrolment.secret}
        return Response(answer, status=201)
