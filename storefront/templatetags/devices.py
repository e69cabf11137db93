"""`{{ session.device|browser }}` and `{{ device.device_name|named }}`."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from vpn.services.provision import FIRST_DEVICE

register = template.Library()

# In this order: each browser also calls itself by the names below it.
BROWSERS = ("Edg", "OPR", "SamsungBrowser", "Firefox", "Chrome", "Safari")
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
NAMES = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "Mac OS X": "macOS"}


@register.filter
def browser(user_agent: str) -> str:
    """`Chrome, Android` of what a browser calls itself; what is none stays, in 40 characters."""
    found = [
        next((name for name in names if name in user_agent), "") for names in (BROWSERS, SYSTEMS)
    ]
    return ", ".join(NAMES.get(name, name) for name in found if name) or user_agent[:40]


@register.filter
def named(device_name: str) -> str:
    """What its customer named it; the first one has our name, in the reader's language."""
    return _("phone") if device_name == FIRST_DEVICE else device_name
