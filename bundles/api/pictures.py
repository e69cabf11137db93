"""Serves bundles' pictures to anybody. A picture never changes: another one has another name."""

from __future__ import annotations

import re

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from bundles.models import PICTURES

NAME = re.compile(r"[0-9a-f]{24}\.webp", re.ASCII)
A_YEAR = 365 * 24 * 60 * 60


@require_safe
def picture(request: HttpRequest, name: str) -> FileResponse:
    if not NAME.fullmatch(name):
        raise Http404
    try:
        found = default_storage.open(f"{PICTURES}{name}")
    except FileNotFoundError as error:
        raise Http404 from error
    headers = {
        "Cache-Control": f"public, max-age={A_YEAR}, immutable",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(found, content_type="image/webp", headers=headers)
