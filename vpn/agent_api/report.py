"""`POST /agent/v1/report`: what has passed (docs/agent-protocol.md)."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import IO, Any

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vpn.errors import NoReport
from vpn.services.agents import agent_of
from vpn.services.health import Health
from vpn.services.report import Counter, Report, take_report

BODY_BYTES_MAX = 8 * 2**20  # unpacked; 10,000 counters are half a megabyte
NUMBER_MAX = 2**63 - 1
EPOCH = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
NAME_CHARACTERS_MAX = 20


class ReportParser(BaseParser):
    """JSON, gzip'd or not, of which no more is read than a report can have."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request: Request = (parser_context or {})["request"]
        body = stream.read(BODY_BYTES_MAX + 1)
        if request.headers.get("Content-Encoding", "").lower() == "gzip":
            body = _unpacked(body)
        if len(body) > BODY_BYTES_MAX:
            raise NoReport("The report is larger than 8 MB.")
        try:
            return json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise NoReport("The report is not valid JSON.") from error


class ReportView(APIView):
    """Only a gateway's agent may report, and only of its own peers."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [ReportParser]
    renderer_classes = [JSONRenderer]

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        gateway = agent_of(request.headers.get("Authorization", ""))
        report = read_report(request.data)
        unknown = take_report(gateway_id=gateway.pk, report=report)
        return Response({"sequence": report.sequence, "unknown": unknown})


def read_report(told: Any) -> Report:
    """The report that JSON tells. Raises NoReport, naming the first thing that is wrong."""
    if not isinstance(told, dict):
        raise NoReport("A report is an object.")
    return Report(
        epoch=_matching(told, "epoch", EPOCH),
        sequence=_number(told, "sequence"),
        at=_number(told, "at"),
        revision=_number(told, "revision"),
        digest=_matching(told, "digest", DIGEST),
        counters=_counters(told.get("counters")),
        health=_health(told.get("health")),
    )


def _counters(told: Any) -> list[Counter]:
    if not isinstance(told, list):
        raise NoReport("counters: this is no list.")
    counters = []
    for place, item in enumerate(told):
        if type(item) is not list or len(item) != len(Counter._fields):
            raise NoReport(f"counters[{place}]: a counter has five numbers.")
        for number in item:
            if type(number) is not int or not 0 <= number <= NUMBER_MAX:
                raise NoReport(f"counters[{place}]: {_shown(number)} is no number of a counter.")
        counters.append(Counter._make(item))
    if len({counter[:2] for counter in counters}) < len(counters):
        raise NoReport("counters: a peer is named twice for one group.")
    return counters


def _health(told: Any) -> Health:
    if not isinstance(told, dict):
        raise NoReport("health: this is no object.")
    is_refusing = told.get("refused_revision") is not None
    return Health(
        version=_name(told, "version"),
        backend=_name(told, "backend"),
        peers=_number(told, "peers"),
        repairs=_number(told, "repairs"),
        refused_revision=_number(told, "refused_revision") if is_refusing else None,
    )


def _number(told: Mapping[str, Any], field: str) -> int:
    value = told.get(field)
    if type(value) is not int or not 0 <= value <= NUMBER_MAX:
        raise NoReport(f"{field}: {_shown(value)} is no whole number from 0 to 2^63 - 1.")
    return value


def _matching(told: Mapping[str, Any], field: str, form: re.Pattern[str]) -> str:
    value = told.get(field)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise NoReport(f"{field}: {_shown(value)} does not match {form.pattern}.")
    return value


def _name(told: Mapping[str, Any], field: str) -> str:
    value = told.get(field)
    if not isinstance(value, str) or len(value) > NAME_CHARACTERS_MAX:
        raise NoReport(f"{field}: this is no text of up to {NAME_CHARACTERS_MAX} characters.")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:40]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _unpacked(body: bytes) -> bytes:
    """At most one byte more than a report may have, however much it would unpack to."""
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        return unpacking.decompress(body, BODY_BYTES_MAX + 1)
    except zlib.error as error:
        raise NoReport("The report is not valid gzip.") from error
