"""`{% page_behind %}`: where a form of this page comes back to."""

from __future__ import annotations

from typing import Any

from django import template

from storefront.pages import base

register = template.Library()


@register.simple_tag(takes_context=True)
def page_behind(context: dict[str, Any]) -> str:
    return base.page_behind(context["request"])
