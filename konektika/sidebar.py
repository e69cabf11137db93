"""The sidebar shows each person the pages that they may open, and no others."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import resolve


def for_each_role(navigation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups of the sidebar, whose items without a `permission` ask their page for one."""
    for group in navigation:
        for item in group["items"]:
            item.setdefault("permission", partial(_may_open, item["link"]))
    return navigation


def _may_open(link: object, request: HttpRequest) -> bool:
    """A list is for those who may see its rows; any other page decides for itself."""
    page = resolve(str(link)).func
    model_admin = getattr(page, "model_admin", None)
    return model_admin is None or bool(model_admin.has_view_permission(request))
