"""Every setting that scripts may change while the simulator runs: its first value and its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Rule = Callable[[Any], str]  # what the value must be, or "" when it is

ANSWERS = ("error", "html", "empty", "truncated", "gigantic", "drip")


@dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of the tree."""

    default: Any
    rule: Rule


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _seconds(default: float) -> Setting:
    return Setting(
        default,
        lambda value: (
            "" if _is_number(value) and 0 <= value <= 86_400 else "seconds from 0 to 86400"
        ),
    )


def _rate(default: float) -> Setting:
    return Setting(
        default,
        lambda value: "" if _is_number(value) and 0 <= value <= 1 else "a number from 0 to 1",
    )


def _status(default: int) -> Setting:
    return Setting(
        default,
        lambda value: (
            "" if _is_whole(value) and 200 <= value <= 599 else "an HTTP status from 200 to 599"
        ),
    )


def _whole(default: int, what: str) -> Setting:
    return Setting(
        default, lambda value: "" if _is_whole(value) and value >= 0 else f"whole {what}"
    )


def _text(default: str) -> Setting:
    return Setting(default, lambda value: "" if isinstance(value, str) else "a text")


def _switch(default: bool) -> Setting:
    return Setting(default, lambda value: "" if isinstance(value, bool) else "true or false")


def _one_of(default: str, *others: str) -> Setting:
    choices = (default, *others)
    return Setting(
        default, lambda value: "" if value in choices else f"one of {', '.join(choices)}"
    )


def _operation() -> Json:
    return {
        "latency_seconds": _seconds(0),
        "latency_spread_seconds": _seconds(0),
        "error_rate": _rate(0),
        "error_status": _status(500),
        "error_code": _text(""),
        "error_when": _one_of("before", "after"),
        "answer_as": _one_of(*ANSWERS),
    }


def _callback() -> Json:
    return {"latency_seconds": _seconds(0), "forged_url": _text("")}


def _operations(*names: str) -> Json:
    return {**{name: _operation() for name in names}, "callback": _callback()}


TREE: Json = {
    "prompt_seconds": _seconds(60),
    "answer_seconds": _seconds(2),
    "slow_seconds": _seconds(10),
    "early_seconds": _seconds(1),
    "late_seconds": _seconds(30),
    "between_seconds": _seconds(1),
    "payout_seconds": _seconds(1),
    "bill_seconds": _seconds(10),
    "report_seconds": _seconds(1),
    "drip_seconds": _seconds(0.2),
    "gigantic_bytes": _whole(32 * 2**20, "bytes"),
    "wallet_balance": _whole(200_000, "shillings"),
    "merchant_float": _whole(10_000_000, "shillings"),
    "sms_credit": _whole(100_000, "SMS"),
    "vodacom_mpesa": {
        **_operations(
            "token", "collect", "query", "refund", "disburse", "query_disbursement", "register"
        ),
        "early_enquiry": _one_of("truth", "not_found"),
        "early_enquiry_seconds": _seconds(30),
        "no_funds_code": _one_of("INS-2006", "INS-1"),
        "session_delay_seconds": _seconds(30),
        "session_seconds": _seconds(3000),
        "openapi_mode": _one_of("configured", "sync", "async"),
        "validates_bills": _switch(True),
        "stk_confirmation": _switch(False),
    },
    "tigo_pesa": {
        **_operations("token", "collect", "disburse"),
        "callback_amount": _one_of("string", "decimal", "number"),
        "callback_status": _one_of("boolean", "string"),
        "success_status": _one_of("200", "0"),
        "leading_zeros": _switch(True),
    },
    "airtel_money": {
        **_operations(
            "token", "collect", "query", "refund", "disburse", "query_disbursement", "look_up"
        ),
        "early_enquiry": _one_of("truth", "in_progress", "not_found"),
        "early_enquiry_seconds": _seconds(180),
        "hash_form": _one_of("transaction", "wrapped", "raw"),
        "message_signing": _switch(False),
        "success_lies": _switch(False),
    },
    "beem": _operations("send", "balance", "reports"),
    "africastalking": _operations("send", "balance"),
}


def defaults(tree: Json = TREE) -> Json:
    """The first values, in the shape of the tree."""
    return {
        name: defaults(branch) if isinstance(branch, dict) else branch.default
        for name, branch in tree.items()
    }
