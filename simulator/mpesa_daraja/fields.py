"""The forms of Daraja's fields."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from simulator.mpesa_daraja.errors import invalid
from simulator.provider import Json, whole_amount

EAST_AFRICA = timezone(timedelta(hours=3))
MSISDN = re.compile(r"254[17][0-9]{8}|255[67][0-9]{8}")
SHORT_CODE = re.compile(r"[0-9]{5,7}")

_TIMESTAMP = re.compile(r"[0-9]{14}")
_WORDS_REFUSED_IN_URLS = re.compile(r"mpesa|safaricom|exe|cmd|sql|query")


def check(checks: dict[str, object]) -> None:
    """Raises Refused with the first field that is wrong."""
    for field, is_right in checks.items():
        if not is_right:
            raise invalid(field)


def digits(value: object) -> str:
    """A field that may be written as a number or as a string."""
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, int | str) else ""


def is_text(value: object, shortest: int, longest: int) -> bool:
    return isinstance(value, str) and shortest <= len(value.strip()) <= longest


def amount_of(value: object) -> int:
    """Whole shillings; 0 for what is none."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdecimal() else 0
    return whole_amount(value) or 0


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def is_timestamp(text: str) -> bool:
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=EAST_AFRICA)
    except ValueError:
        return False
    return True


def stamp(seconds: float) -> str:
    """A moment as `YYYYMMDDHHmmss` in East Africa."""
    return f"{datetime.fromtimestamp(seconds, EAST_AFRICA):%Y%m%d%H%M%S}"


def is_url(url: object) -> bool:
    """Public hosts as strictly as the real one; this machine and single names of a network freely."""
    if not isinstance(url, str) or re.search(r"[\s<>\"]", url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host:
        return False
    return _is_of_this_network(host) or _is_public_url(url)


def are_urls(body: Json, *fields: str) -> dict[str, object]:
    """Checks of fields that must be URLs."""
    return {field: is_url(body.get(field)) for field in fields}


def _is_of_this_network(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def _is_public_url(url: str) -> bool:
    return url.startswith("https://") and not _WORDS_REFUSED_IN_URLS.search(url.lower())
