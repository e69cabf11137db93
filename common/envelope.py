"""The contract's envelope of a success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response


class Reply(Response):
    """A success. `message` is a short sentence, which its reader's language has where it is marked
    with `gettext_noop`; `top_level` repeats data beside the envelope.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        message: str = "OK",
        status: int = status.HTTP_200_OK,
        top_level: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, status=status)
        self.message = message
        self.top_level = dict(top_level or {})


class EnvelopeRenderer(JSONRenderer):
    """`{"success": true, "message", "data"}`; errors come in their own shape already."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if isinstance(response, Reply):
            data = _enveloped(data, gettext(response.message), response.top_level)
        rendered: bytes = super().render(data, accepted_media_type, renderer_context)
        return rendered


def success(data: Any, *, message: str) -> bytes:
    """What a Reply becomes, for whoever answers without the framework."""
    rendered: bytes = JSONRenderer().render(_enveloped(data, message, {}))
    return rendered


def _enveloped(data: Any, message: str, top_level: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "success": True,
        "message": message,
        **top_level,
        "data": {} if data is None else data,
    }
