"""What scripts may change while the simulator runs: waiting times, faults, numbers, dialect details.

`DEFAULTS` is also the schema: a change names a part of that tree, and each leaf has its rule.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.phones import Scenario, scenario_of
from simulator.store import Store

Json = dict[str, Any]
Rule = Callable[[Any], str]  # what the value must be, or "" when it is

MSISDN = re.compile(r"[0-9]{12}")


class InvalidChange(Exception):
    """A change that names something unknown or has a wrong value; `str()` says which."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error answer instead of the real one; `is_after` when the work was done all the same."""

    status: int
    code: str
    is_after: bool


class Behaviour:
    """The current settings. They are kept in the store and survive a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.settings: Json = copy.deepcopy(DEFAULTS)
        _merge(self.settings, store.behaviour(), _RULES, "")

    def change(self, change: object) -> None:
        """Merge a part of the tree into the settings; nothing changes if any of it is wrong.

        A number set to null has no behaviour of its own any more. Raises InvalidChange.
        """
        settings = copy.deepcopy(self.settings)
        _merge(settings, change, _RULES, "")
        self.settings = settings
        self._store.keep_behaviour(settings)

    def reset(self) -> None:
        self.settings = copy.deepcopy(DEFAULTS)

    def scenario_of(self, msisdn: str) -> Scenario:
        name = self.settings["numbers"].get(msisdn)
        return Scenario(name) if name else scenario_of(msisdn)

    def seconds(self, name: str) -> float:
        """One of the general waiting times, such as `prompt_seconds`."""
        return float(self.settings[name])

    def latency(self, provider: str, operation: str) -> float:
        """Seconds before the provider answers that operation."""
        return float(self.settings[provider][operation]["latency_seconds"])

    def of(self, provider: str, name: str) -> Any:
        """A detail of one provider's dialect."""
        return self.settings[provider][name]

    def fault(self, provider: str, operation: str) -> Fault | None:
        """Throw the dice: the fault of this one call, or None."""
        settings = self.settings[provider][operation]
        if random.random() >= settings["error_rate"]:  # noqa: S311 - a dice, not a secret
            return None
        return Fault(
            status=settings["error_status"],
            code=settings["error_code"],
            is_after=settings["error_when"] == "after",
        )


def _merge(settings: Json, change: object, rules: Json, path: str) -> None:
    if not isinstance(change, dict):
        raise InvalidChange(f"{path or 'The change'} must be a JSON object.")
    for name, value in change.items():
        where = f"{path}.{name}" if path else str(name)
        if where.startswith("numbers."):
            _set_number(settings, name, value)
        elif name not in rules:
            known = ", ".join(rules)
            raise InvalidChange(f"{where} is not a setting; here are {known}.")
        elif isinstance(rules[name], dict):
            _merge(settings[name], value, rules[name], where)
        elif wrong := rules[name](value):
            raise InvalidChange(f"{where} must be {wrong}, not {value!r}.")
        else:
            settings[name] = value


def _set_number(numbers: Json, msisdn: object, scenario: object) -> None:
    if not (isinstance(msisdn, str) and MSISDN.fullmatch(msisdn)):
        raise InvalidChange(f"numbers.{msisdn} must be named by 12 digits, such as 255754000123.")
    if scenario is None:
        numbers.pop(msisdn, None)
    elif scenario in list(Scenario):
        numbers[msisdn] = scenario
    else:
        raise InvalidChange(f"numbers.{msisdn} must be null or one of {', '.join(Scenario)}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(value: Any) -> str:
    return "" if _is_number(value) and 0 <= value <= 86_400 else "seconds from 0 to 86400"


def _rate(value: Any) -> str:
    return "" if _is_number(value) and 0 <= value <= 1 else "a number from 0 to 1"


def _status(value: Any) -> str:
    return "" if _is_whole(value) and 200 <= value <= 599 else "an HTTP status from 200 to 599"


def _shillings(value: Any) -> str:
    return "" if _is_whole(value) and value >= 0 else "whole shillings"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else "a text"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _one_of(*choices: str) -> Rule:
    return lambda value: "" if value in choices else f"one of {', '.join(choices)}"


_OPERATION: Json = {
    "latency_seconds": 0,
    "error_rate": 0,
    "error_status": 500,
    "error_code": "",
    "error_when": "before",
}
_OPERATION_RULES: Json = {
    "latency_seconds": _seconds,
    "error_rate": _rate,
    "error_status": _status,
    "error_code": _text,
    "error_when": _one_of("before", "after"),
}
_CALLBACK: Json = {"latency_seconds": 0}
_CALLBACK_RULES: Json = {"latency_seconds": _seconds}

DEFAULTS: Json = {
    "prompt_seconds": 60,
    "answer_seconds": 2,
    "slow_seconds": 10,
    "early_seconds": 1,
    "wallet_balance": 200_000,
    "vodacom_mpesa": {
        "token": dict(_OPERATION),
        "collect": dict(_OPERATION),
        "query": dict(_OPERATION),
        "callback": dict(_CALLBACK),
    },
    "tigo_pesa": {
        "token": dict(_OPERATION),
        "collect": dict(_OPERATION),
        "callback": dict(_CALLBACK),
        "callback_amount": "string",
        "callback_status": "boolean",
    },
    "airtel_money": {
        "token": dict(_OPERATION),
        "collect": dict(_OPERATION),
        "query": dict(_OPERATION),
        "callback": dict(_CALLBACK),
        "early_enquiry": "truth",
        "early_enquiry_seconds": 180,
        "hash_form": "transaction",
    },
    "numbers": {},
}
_RULES: Json = {
    "prompt_seconds": _seconds,
    "answer_seconds": _seconds,
    "slow_seconds": _seconds,
    "early_seconds": _seconds,
    "wallet_balance": _shillings,
    "vodacom_mpesa": {
        "token": _OPERATION_RULES,
        "collect": _OPERATION_RULES,
        "query": _OPERATION_RULES,
        "callback": _CALLBACK_RULES,
    },
    "tigo_pesa": {
        "token": _OPERATION_RULES,
        "collect": _OPERATION_RULES,
        "callback": _CALLBACK_RULES,
        "callback_amount": _one_of("string", "decimal", "number"),
        "callback_status": _one_of("boolean", "string"),
    },
    "airtel_money": {
        "token": _OPERATION_RULES,
        "collect": _OPERATION_RULES,
        "query": _OPERATION_RULES,
        "callback": _CALLBACK_RULES,
        "early_enquiry": _one_of("truth", "in_progress", "not_found"),
        "early_enquiry_seconds": _seconds,
        "hash_form": _one_of("transaction", "wrapped", "raw"),
    },
    "numbers": {},
}
