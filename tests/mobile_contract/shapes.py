"""What the released app reads, name by name, with the types that it reads them as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

Check = Callable[[Any], bool]


def number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def text(value: Any) -> bool:
    return isinstance(value, str)


def boolean(value: Any) -> bool:
    return isinstance(value, bool)


def time(value: Any) -> bool:
    """ISO 8601 in UTC."""
    return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta(0)


def time_or_null(value: Any) -> bool:
    return value is None or time(value)


def text_or_null(value: Any) -> bool:
    return value is None or text(value)


def amount(value: Any) -> bool:
    """Whole shillings."""
    return number(value) and value >= 0


USER: Mapping[str, Check] = {
    "id": number,
    "full_name": text,
    "email": text,
    "phone": text_or_null,
    "user_type": text,
    "created_at": time,
}
BUNDLE: Mapping[str, Check] = {
    "id": number,
    "owner_id": number,
    "owner_name": text,
    "name": text,
    "description": text,
    "data_limit_gb": number,
    "price": amount,
    "duration_days": number,
    "max_connections": number,
    "is_active": boolean,
    "created_at": time,
}
PROVIDER: Mapping[str, Check] = {"provider": text, "name": text, "enabled": boolean}
INITIATED: Mapping[str, Check] = {
    "payment_id": text,
    "transaction_reference": text,
    "bundle_id": number,
    "amount": amount,
    "currency": lambda value: value == "TZS",
    "payment_method": text,
    "status": lambda value: value == "pending",
    "created_at": time,
}
PAYMENT: Mapping[str, Check] = {
    "payment_id": text,
    "user_id": number,
    "bundle_id": number,
    "amount": amount,
    "currency": lambda value: value == "TZS",
    "payment_method": text,
    "status": lambda value: value in ("pending", "completed", "failed", "cancelled"),
    "created_at": time,
    "paid_at": time_or_null,
}
PAYBILL: Mapping[str, Check] = {
    "reference": lambda value: text(value) and len(value) == 8 and value.isdigit(),
    "amount": amount,
    "currency": lambda value: value == "TZS",
    "bundle_id": number,
    "expires_at": time,
    "numbers": lambda value: isinstance(value, list) and bool(value),
}
CONFIG: Mapping[str, Check] = {
    "id": number,
    "user_id": number,
    "bundle_id": number,
    "bundle_name": text,
    "config_data": text,
    "expires_at": time,
    "created_at": time,
    "is_active": boolean,
    "server_ip": text,
    "server_port": number,
    "protocol": text,
}
SUBSCRIPTION: Mapping[str, Check] = {
    "id": number,
    "bundle_id": number,
    "bundle_name": text,
    "status": lambda value: value in ("active", "ended"),
    "is_active": boolean,
    "starts_at": time,
    "ends_at": time,
    "data_limit_bytes": number,
    "data_used_bytes": number,
}
USAGE_DAY: Mapping[str, Check] = {
    "date": lambda value: date.fromisoformat(value).isoformat() == value,
    "bytes": number,
    "up": number,
    "down": number,
}
CONNECTION: Mapping[str, Check] = {
    "config_id": number,
    "device_name": text,
    "started_at": time,
    "ended_at": time_or_null,
}
VPN_STATUS: Mapping[str, Check] = {
    "initialized": boolean,
    "running": boolean,
    "active_connections": number,
    "total_data_transferred": number,
}
PAGINATION: Mapping[str, Check] = {
    "current_page": number,
    "total_pages": number,
    "total_items": number,
    "items_per_page": number,
}


def assert_shape(value: Mapping[str, Any], shape: Mapping[str, Check]) -> None:
    """Every name is there and is what the app takes it for; more names are welcome."""
    wrong = {
        name: value.get(name, "missing")
        for name, is_right in shape.items()
        if name not in value or not is_right(value[name])
    }
    assert not wrong


def assert_success(response: Any, status: int = 200) -> Any:
    """The success envelope; returns its data."""
    body = response.json()
    assert response.status_code == status, body
    assert body["success"] is True
    assert text(body["message"])
    assert body["message"]
    return body["data"]


def assert_error(response: Any, status: int, code: str = "") -> dict[str, Any]:
    """The error envelope, with that status and code; returns the body."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status, body
    assert body["success"] is False
    assert text(body["message"])
    assert body["message"]
    assert isinstance(body["errors"], dict)
    assert body["code"] == body["code"].lower()
    assert body["code"] == (code or body["code"])
    assert all(isinstance(sentences, list) for sentences in body["errors"].values())
    return body
