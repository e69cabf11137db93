"""Who calls, by token; from then on they are answered in their own language."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from rest_framework.request import Request


class InOwnLanguage(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """Unless the request asks for a language, as a browser does and the released app does not.

    What is activated lasts until the end of the request (`accounts.middleware`).
    """

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None and not request.headers.get("Accept-Language"):
            translation.activate(found[0].language)
        return found


class InOwnLanguageScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """The API document tells of a bearer token; drf-spectacular finds this by its being imported."""

    target_class = "accounts.api.authentication.InOwnLanguage"
