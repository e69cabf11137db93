"""Slows down guessing of passwords and codes. Courtesy limits in the cache, not exact ones."""

from __future__ import annotations

import hashlib
import time

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from common.source_address import source_address

MINUTE = 60


class _Throttle(SimpleRateThrottle):
    """So many requests in so many minutes, from one source for one `ident`."""

    most: int
    minutes: int

    def get_rate(self) -> str:
        return f"{self.most}/{self.minutes}m"

    def parse_rate(self, rate: str | None) -> tuple[int, int]:
        return self.most, self.minutes * MINUTE

    def get_cache_key(self, request: Request, view: APIView) -> str:
        source = source_address(request._request)
        ident = f"{source}|{self.named(request)}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(ident).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": digest}

    def named(self, request: Request) -> str:
        """What the request is about, besides where it comes from."""
        return ""


class SignInThrottle(_Throttle):
    """Ten tries in a quarter of an hour for one name from one source."""

    scope = "sign_in"
    most, minutes = 10, 15

    def named(self, request: Request) -> str:
        data: object = request.data
        return str(data.get("email", "")).strip().lower() if isinstance(data, dict) else ""


class RegisterThrottle(_Throttle):
    """Sixty refused accounts in an hour from one source: too few to try out who has one.

    Those that are made do not count: a mobile network's customers share addresses.
    """

    scope = "register"
    most, minutes = 60, 60

    def throttle_success(self) -> bool:
        return True

    def count(self, request: Request, view: APIView) -> None:
        """Note that an account was refused to whoever makes this request."""
        self.key = self.get_cache_key(request, view)
        refused = [time.time(), *self.cache.get(self.key, [])]
        self.cache.set(self.key, refused[: self.most], self.minutes * MINUTE)


class ProfileThrottle(RegisterThrottle):
    """Ten refused addresses or phones in an hour of whoever is signed in; what is saved does not count."""

    scope = "profile"
    most = 10

    def named(self, request: Request) -> str:
        return str(request.user.pk)


class CodeThrottle(_Throttle):
    """Codes asked for and tried, whoever they are for: what one phone gets is limited exactly."""

    scope = "code"
    most, minutes = 300, 60


class PasswordThrottle(_Throttle):
    """A signed-in person's password, asked for again: ten tries in a quarter of an hour."""

    scope = "password"
    most, minutes = 10, 15

    def named(self, request: Request) -> str:
        return str(request.user.pk)
