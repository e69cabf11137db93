"""Shows the envelope and the error shape in the OpenAPI document."""

from __future__ import annotations

from typing import Any

ERROR = {
    "type": "object",
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "message": {"type": "string", "description": "A sentence that a customer can read"},
        "code": {"type": "string", "description": "Stable, in snake case"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["success", "message", "code", "errors"],
}
PAGINATION = {
    "type": "object",
    "properties": {
        name: {"type": "integer"}
        for name in ("current_page", "total_pages", "total_items", "items_per_page")
    },
}
METHODS = {"get", "post", "put", "patch", "delete"}


def wrap_in_envelope(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: wraps successes, adds the errors."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = ERROR
    schemas["Pagination"] = PAGINATION
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method in METHODS:
                _wrap_operation(operation)
    return result


def _wrap_operation(operation: dict[str, Any]) -> None:
    for code, response in operation["responses"].items():
        for media in response.get("content", {}).values():
            if code.startswith("2"):
                media["schema"] = _envelope(media.get("schema", {}))
    operation["responses"]["default"] = {
        "description": "The request was refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "success": {"type": "boolean", "enum": [True]},
            "message": {"type": "string"},
            "data": data,
        },
        "required": ["success", "message", "data"],
    }
