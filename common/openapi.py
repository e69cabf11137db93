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
PAGING = [
    {"name": name, "in": "query", "required": False, "schema": {"type": "integer"}}
    for name in ("page", "limit")
]
NOTHING_MORE = {"type": "object", "additionalProperties": False}
METHODS = {"get", "post", "put", "patch", "delete"}
BESIDE_DATA = "x-beside-data"  # names that an answer repeats beside its data, for the released app


def wrap_in_envelope(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: wraps successes, adds the errors and a list's pages."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = ERROR
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method in METHODS:
                _wrap_operation(operation, schemas)
    return result


def _wrap_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "204" in responses:  # an envelope is never empty
        responses["200"] = responses.pop("204")
    for code, response in responses.items():
        if not code.startswith("2"):
            continue
        content = response.setdefault("content", {"application/json": {"schema": NOTHING_MORE}})
        for kind, media in content.items():
            if kind == "application/json":
                data = media["schema"]
                named = _properties(data, schemas)
                if "pagination" in named:
                    operation["parameters"] = operation.get("parameters", []) + PAGING
                beside = {name: named[name] for name in operation.get(BESIDE_DATA, ())}
                media["schema"] = _envelope(data, beside)
    responses["default"] = {
        "description": "The request was refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _properties(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The names of a component that a schema refers to, with their schemas."""
    name = schema.get("$ref", "").rpartition("/")[2]
    properties: dict[str, Any] = schemas.get(name, {}).get("properties", {})
    return properties


def _envelope(data: dict[str, Any], beside: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "success": {"type": "boolean", "enum": [True]},
            "message": {"type": "string"},
            "data": data,
            **beside,
        },
        "required": ["success", "message", "data", *beside],
    }
