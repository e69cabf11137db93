"""Who calls, by token; from then on they are answered in their own language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation.trans_real import parse_accept_lang_header
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User
from common.prepared import Prepared

TOKENS = Prepared(lambda digest: AuthToken.objects.filter(digest=digest).select_related("user"))


def live_token(digest: str) -> AuthToken | None:
    """What is kept of a token that is good now, with its user.

    The digest is its key. Knox itself reads all that begin like it, and all others of the person.
    """
    found = TOKENS.first(digest)
    if found is None or found.expiry < timezone.now() or not found.user.is_active:
        return None
    return found


def digest_of_bearer(request: HttpRequest) -> str:
    """The digest of the token that a request came with, good or not; "" where there is none."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return str(hash_token(token)) if scheme.lower() == "bearer" else ""


class InOwnLanguage(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """Unless the request asks for a language of ours, as a browser does and the released app does not.

    What is activated lasts until the end of the request (`accounts.middleware`).
    """

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found is not None and not _asks_for_a_language(request):
            translation.activate(found[0].language)
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        """Raises AuthenticationFailed."""
        found = live_token(hash_token(token.decode(errors="replace")))
        if found is None:
            raise AuthenticationFailed
        return found.user, found


def _asks_for_a_language(request: Request) -> bool:
    """Whether it names one that there is: `*`, as many programs send by themselves, names none."""
    asked = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower())
    known = dict(settings.LANGUAGES)
    return any(code.partition("-")[0] in known for code, _ in asked)


class InOwnLanguageScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """The API document tells of a bearer token; drf-spectacular finds this by its being imported."""

    target_class = "accounts.api.authentication.InOwnLanguage"
