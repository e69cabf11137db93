"""Who may read a phone number whole, and what everybody else reads.

A role that does not see numbers may have one person's shown (`accounts.show_phone`): that is logged,
and lasts a few minutes of the session.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest

from common import phone as phones

SEE_PHONES = "accounts.see_phones"
SHOW_PHONE = "accounts.show_phone"
SHOWN_SECONDS = 300
IN_SESSION = "phones_shown"  # person's primary key, as text → Unix time at which it is over


def sees_phones(request: HttpRequest, of: int | None = None) -> bool:
    """Whether numbers are whole here: by the role, or because this person's were just shown."""
    if request.user.has_perm(SEE_PHONES):
        return True
    return of is not None and _shown(request).get(str(of), 0) > time.time()


def may_be_shown(request: HttpRequest, of: int) -> bool:
    """Whether a button is offered that shows this person's numbers."""
    return request.user.has_perm(SHOW_PHONE) and not sees_phones(request, of)


def show_phones(request: HttpRequest, of: int) -> None:
    """Let this person's numbers be read whole for SHOWN_SECONDS. The caller logs it."""
    now = time.time()
    kept = {key: until for key, until in _shown(request).items() if until > now}
    request.session[IN_SESSION] = {**kept, str(of): now + SHOWN_SECONDS}


def shown_phone(request: HttpRequest, phone: str | None, of: int | None = None) -> str:
    """The number as the reader may have it; empty for none. `of`: whose page it is."""
    if not phone:
        return ""
    return phone if sees_phones(request, of) else phones.mask(phone)


def shown_text(request: HttpRequest, text: str, of: int | None = None) -> str:
    """A text that may contain numbers, such as what a provider said, as the reader may have it."""
    return text if sees_phones(request, of) else phones.mask_within(text)


def phone_column(
    request: HttpRequest, phone_of: Callable[[Any], str | None], *, ordering: str | None = None
) -> Callable[[Any], str]:
    """A list's column of phones, for `get_list_display`."""

    @display(description="Phone", ordering=ordering)
    def phone(row: Any) -> str:
        return shown_phone(request, phone_of(row))

    return phone


def text_field(
    request: HttpRequest, description: str, text_of: Callable[[Any], str]
) -> Callable[[Any], str]:
    """A column or a field of a page that is read only, whose text may contain numbers."""

    @display(description=description)
    def text(row: Any) -> str:
        return shown_text(request, text_of(row))

    return text


def _shown(request: HttpRequest) -> dict[str, float]:
    found: dict[str, float] = request.session.get(IN_SESSION, {})
    return found
