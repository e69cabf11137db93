"""Who calls, by token; from then on they are answered in their own language."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from knox.auth import TokenAuthentication
from rest_framework.request import Request


class InOwnLanguage(TokenAuthentication):
    """Unless the request asks for a language, as a browser does and the released app does not.

    What is activated lasts until `LocaleMiddleware` looks at the next request.
    """

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None and not request.headers.get("Accept-Language"):
            translation.activate(found[0].language)
        return found
