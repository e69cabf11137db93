"""Every path of the API: as the URL map has it, and as the OpenAPI document describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")


def mapped() -> set[str]:
    """The URL map below `/api/`, with `{}` for what differs between requests."""
    return {path for path in _walk(get_resolver().url_patterns, "/") if path.startswith("/api/")}


def openapi_document() -> dict[str, Any]:
    generator: Any = SchemaGenerator
    document: dict[str, Any] = generator().get_schema(request=None, public=True)
    return document


def described() -> dict[str, dict[str, Any]]:
    """The OpenAPI document's operations, by path and method."""
    return {
        path: {method: each for method, each in item.items() if method in METHODS}
        for path, item in openapi_document()["paths"].items()
    }


def blank(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def filled(path: str, **values: object) -> str:
    """A described path with values, by parameter name; what is not given becomes 1."""
    return re.sub(r"\{([^}]*)\}", lambda found: str(values.get(found[1], 1)), path)


def _walk(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for each in patterns:
        path = prefix + _plain(str(each.pattern))
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, path)
        else:
            yield path


def _plain(route: str) -> str:
    """A route without its anchors, and `{}` for its parameters in either of Django's forms."""
    without_groups = re.sub(r"\(\?P<\w+>(?:[^()\[\]]|\[[^\]]*\])*\)|<[^>]+>", "{}", route)
    return without_groups.lstrip("^").removesuffix("$").removesuffix(r"\Z").replace("\\", "")
