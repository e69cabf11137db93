"""What a customer dials to pay for a purchase: eight digits, of which the last shows a slip (Luhn)."""

from __future__ import annotations

import secrets

LENGTH = 8


def new_pay_reference() -> str:
    """Random digits that begin with none that a keypad or a spreadsheet drops."""
    digits = str(secrets.choice(range(10 ** (LENGTH - 2), 10 ** (LENGTH - 1))))
    return digits + _check_digit(digits)


def is_pay_reference(text: str) -> bool:
    """
    >>> is_pay_reference("12345674"), is_pay_reference("12345647")
    (True, False)
    """
    is_made_of_digits = len(text) == LENGTH and text.isascii() and text.isdigit()
    return is_made_of_digits and text[-1] == _check_digit(text[:-1])


def _check_digit(digits: str) -> str:
    doubled = [
        int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(digits[::-1])
    ]
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)
