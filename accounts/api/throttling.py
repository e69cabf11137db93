"""Slows down guessing of passwords. A courtesy limit in the cache, not an exact one."""

from __future__ import annotations

import hashlib

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from common.source_address import source_address


class SignInThrottle(SimpleRateThrottle):
    """Ten tries in a quarter of an hour for one address from one source."""

    scope = "sign_in"

    def get_rate(self) -> str:
        return "10/15m"

    def parse_rate(self, rate: str | None) -> tuple[int, int]:
        return 10, 15 * 60

    def get_cache_key(self, request: Request, view: APIView) -> str:
        data: object = request.data
        named = data.get("email", "") if isinstance(data, dict) else ""
        source = source_address(request._request)
        ident = f"{source}|{str(named).strip().lower()}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(ident).hexdigest()
        return self.cache_format % {"scope": self.scope, "ident": digest}
