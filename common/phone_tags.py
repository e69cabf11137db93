"""Template tags for what only some readers may have whole (`{% load phones %}`)."""

from __future__ import annotations

from typing import Any

from django.template import Context, Library

from common import shown_phone

register = Library()


@register.simple_tag(takes_context=True)
def shown_text(context: Context, text: Any, of: int | None = None) -> str:
    """A text that may contain numbers, as the reader of the page may have it. `of`: whose page it is."""
    return shown_phone.shown_text(context["request"], str(text or ""), of or None)
