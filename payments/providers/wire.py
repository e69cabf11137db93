"""Reads what providers write: JSON bodies, identifiers, whole shillings, phones, reasons in words.

Pure, and strict where a lenient reading could be a wrong one. What cannot be read is a ValueError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isinf
from typing import Any, NoReturn

from payments.providers.base import Reason

DEPTH_MAX = 20  # MariaDB stores JSON up to 32 levels, and ours adds some
DIGITS_MAX = 20
IDENTIFIER_MAX = 100

PHRASES = (
    (r"insufficient|not enough balance", Reason.INSUFFICIENT_FUNDS),
    (r"(wrong|invalid|incorrect) pin", Reason.WRONG_PIN),
    (r"pin\b.{0,30}\b(wrong|invalid|incorrect)", Reason.WRONG_PIN),
    (r"cancel(l?ed)?", Reason.CANCELLED),
    (r"(declined|refused|rejected) by (the )?(user|customer|payer|subscriber)", Reason.CANCELLED),
    (r"not registered|msisdn not found", Reason.NOT_REGISTERED),
    (r"time(d )?-?out|expired|no response", Reason.NO_ANSWER),
    (r"limits?", Reason.LIMIT),
)


def decode(body: bytes) -> str:
    """The body's text, which is UTF-8 with or without its mark, as JSON on a wire has to be.

    Nothing else is guessed at: bytes that could be read in two ways must not move money.
    """
    return body.decode("utf-8-sig")


def json_object(text: str) -> dict[str, Any]:
    """A JSON object that means one thing only and can be stored.

    Refused are repeated names, NaN, numbers out of range, deep nesting and lone surrogates.
    """
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short_int,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    _check_depth(value, DEPTH_MAX)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    if isinf(number := float(digits)):
        raise ValueError("a number is out of range")
    return number


def _short_int(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise ValueError("a number is out of range")
    return int(digits)


def _check_depth(value: Any, levels: int) -> None:
    if not isinstance(value, dict | list):
        return
    if levels == 0:
        raise ValueError("nested too deeply")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, levels - 1)


def header(headers: Mapping[str, str], name: str) -> str:
    """A header's value, whatever the case of its name; "" when it is absent."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def member(value: Any, *path: str) -> Any:
    """What lies under a path of names in nested JSON objects; None where the path breaks off."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(value: Any) -> str:
    """A string, or a number as a string, without outer spaces; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def identifier(value: Any) -> str:
    """A provider's code, reference or receipt; "" for what is too long to be one."""
    name = text(value)
    return name if len(name) <= IDENTIFIER_MAX else ""


def whole_shillings(value: Any) -> int:
    """An amount above zero as a number or a numeric string, without a fraction.

    >>> whole_shillings("1000.00")
    1000
    """
    match = re.fullmatch(r"([0-9]{1,12})(\.0+)?", str(value).strip())
    if isinstance(value, bool) or match is None or int(match[1]) == 0:
        raise ValueError("the amount is not a whole number of shillings")
    return int(match[1])


def msisdn(value: Any) -> str | None:
    """Twelve digits from a number in national or international form; None when it is neither."""
    digits = text(value).removeprefix("+")
    match = re.fullmatch(r"(?:255|0)?([67][0-9]{8})", digits)
    if match:
        return f"255{match[1]}"
    return digits if re.fullmatch(r"[0-9]{12}", digits) else None


def reason_in(words: str) -> Reason:
    """Why no money moved, from free text: for the customer's sentence, never to decide on money."""
    return next(
        (reason for phrase, reason in PHRASES if re.search(rf"\b({phrase})\b", words.lower())),
        Reason.DECLINED,
    )
