"""Reads variables from the environment; what is missing or malformed is noted, not raised.

The notes become system check errors (`konektika.checks`), so that a wrong variable is one sentence
and all of them are told at once.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Problem:
    """One variable that cannot be used. `id` is `E001` for missing, `E002` for malformed."""

    id: str
    name: str
    sentence: str
    hint: str


class Environment:
    """Typed access to the variables, each of which may come from the file that `NAME_FILE` names."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables
        self.problems: list[Problem] = []

    def text(self, name: str, default: str = "") -> str:
        """The variable, or what its file holds without the final line break."""
        path = self._variables.get(f"{name}_FILE", "")
        if path and not self._variables.get(name):
            try:
                return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, ValueError) as error:
                self._malformed(f"{name}_FILE", f"cannot be read: {error}", "Name a readable file.")
                return default
        return self._variables.get(name, "").strip() or default

    def required(self, name: str, placeholder: str, hint: str) -> str:
        """A variable without a default; the placeholder only keeps start-up going until the check."""
        value = self.text(name)
        if not value:
            self.problems.append(Problem("E001", name, f"{name} is not set.", hint))
        return value or placeholder

    def boolean(self, name: str, default: bool) -> bool:
        words = {"true": True, "false": False}
        return self._parsed(name, default, lambda text: words[text.lower()], "Write True or False.")

    def integer(self, name: str, default: int, minimum: int = 0) -> int:
        def parse(text: str) -> int:
            value = int(text)
            if value < minimum:
                raise ValueError
            return value

        return self._parsed(name, default, parse, f"Write a whole number from {minimum} up.")

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        def parse(text: str) -> str:
            if text not in allowed:
                raise ValueError
            return text

        return self._parsed(name, default, parse, f"Choose one of {', '.join(allowed)}.")

    def items(self, name: str, default: str = "") -> list[str]:
        """A comma-separated list without its blanks."""
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def url(self, name: str, default: str = "") -> str:
        """An http(s) URL without a final slash, or the default."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError
            return text.rstrip("/")

        return self._parsed(name, default, parse, "Write a URL such as https://pay.example.com.")

    def networks(
        self, name: str, default: str = ""
    ) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """A comma-separated list of addresses or networks; none at all when it is malformed."""

        def parse(text: str) -> list[Any]:
            items = (item.strip() for item in text.split(","))
            return [ipaddress.ip_network(item, strict=False) for item in items if item]

        return self._parsed(
            name,
            [],
            parse,
            "Write networks such as 196.201.214.0/24,10.0.0.7.",
            default_text=default,
        )

    def pairs(self, name: str) -> dict[str, str]:
        """Comma-separated `key:value` pairs, as a dict from value to key."""

        def parse(text: str) -> dict[str, str]:
            found = [item.strip().partition(":") for item in text.split(",") if item.strip()]
            if not all(key and value for key, _, value in found):
                raise ValueError
            return {value: key for key, _, value in found}

        return self._parsed(name, {}, parse, "Write pairs such as tigo_pesa:some-long-secret.")

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's database settings from a URL."""

        def parse(text: str) -> dict[str, Any]:
            if urlsplit(text).scheme not in ("mysql", "sqlite"):
                raise ValueError
            return dict(environ.Env.db_url_config(text))

        placeholder = dict(environ.Env.db_url_config("sqlite://:memory:"))
        hint = "Write mysql://user:password@host:3306/name or sqlite:///path/to/file."
        return self._parsed(name, placeholder, parse, hint, default_text=default)

    def email(self, name: str, default: str) -> dict[str, Any]:
        """Django's e-mail settings from a URL."""

        def parse(text: str) -> dict[str, Any]:
            return dict(environ.Env.email_url_config(text))

        hint = "Write smtp+tls://user:password@host:587, or consolemail:// for the log."
        placeholder = dict(environ.Env.email_url_config("consolemail://"))
        return self._parsed(name, placeholder, parse, hint, default_text=default)

    def _parsed(
        self,
        name: str,
        default: Value,
        parse: Callable[[str], Value],
        hint: str,
        *,
        default_text: str = "",
    ) -> Value:
        text = self.text(name, default_text)
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError, TypeError):
            self._malformed(name, "is malformed.", hint)
            return default

    def _malformed(self, name: str, what: str, hint: str) -> None:
        self.problems.append(Problem("E002", name, f"{name} {what}", hint))


def read_environment(dotenv: Path) -> Environment:
    """The process's variables over those of the `.env` file, where there is one."""
    if dotenv.is_file():
        environ.Env.read_env(dotenv)
    return Environment(dict(os.environ))
