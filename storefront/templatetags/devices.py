"""`{{ session.device|browser }}`."""

from __future__ import annotations

from django import template

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
