"""Who may read a phone number whole, and what everybody else reads."""

from __future__ import annotations

from django.http import HttpRequest

from common import phone as phones

SEE_PHONES = "accounts.see_phones"


def sees_phones(request: HttpRequest) -> bool:
    """Whether this person's role reads numbers whole, without asking to be shown each."""
    return bool(request.user.has_perm(SEE_PHONES))


def shown_phone(request: HttpRequest, phone: str | None) -> str:
    """The number as this person may read it; empty for none."""
    if not phone:
        return ""
    return phone if sees_phones(request) else phones.mask(phone)


def shown_text(request: HttpRequest, text: str) -> str:
    """A text that may contain numbers, such as what a provider said, as this person may read it."""
    return text if sees_phones(request) else phones.mask_within(text)
