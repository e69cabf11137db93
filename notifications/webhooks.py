"""Where SMS providers report deliveries: a secret path, for neither of them signs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from notifications.channels.registry import OPT_OUTS, REPORTS
from notifications.services.opt_outs import note_wish
from notifications.services.reports import keep_report

BODY_BYTES_MAX = 16 * 1024
FIELDS_MAX = 50


def reporting_channel(token: str) -> str | None:
    """The channel whose reports come by this secret path; None when it is no channel's."""
    for known, name in settings.WEBHOOK_TOKENS.items():
        if name in REPORTS and secrets.compare_digest(token.encode(), known.encode()):
            return str(name)
    return None


def receive_report(channel: str, body: bytes) -> HttpResponse:
    """Keep a report and answer as Beem's own samples do (fact sheet, 1.3); others need the 200 only."""
    if len(body) > BODY_BYTES_MAX:
        return HttpResponse(status=413)
    facts = _facts(body)
    if not facts:
        return HttpResponse(status=400)
    if channel in OPT_OUTS and (phone := OPT_OUTS[channel](facts)):
        note_wish(phone=phone, channel=channel)
        return HttpResponse()
    keep_report(channel=channel, facts=facts)
    return JsonResponse({"request_id": facts.get("request_id"), "successful": True})


def _facts(body: bytes) -> Mapping[str, Any]:
    """What a JSON object or a form says; nothing of anything else."""
    try:
        text = body.decode("utf-8-sig")
        if text.lstrip().startswith(("{", "[")):
            found = json.loads(text)
            return found if isinstance(found, dict) else {}
        return dict(parse_qsl(text, max_num_fields=FIELDS_MAX))
    except (ValueError, RecursionError):
        return {}
