"""`makemessages` of what customers and owners read, with the sentences that errors are raised with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages

from common.errors import DomainError

# Staff and gateways read English.
NOT_FOR_CUSTOMERS = (
    ".venv/*",
    "var/*",
    "tests/*",
    "*/tests/*",
    "*/admin/*",
    "*/management/*",
    "backoffice/*",
    "cases/*",
    "payments/days/*",
    "payments/statements/*",
    "templates/admin/*",
    "vpn/agent*",
)
FOR_STAFF = {"AlreadyRecorded", "DayNotReady", "NotDecidable", "NotPlaceable"}


class Command(makemessages.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        """The first argument of every error is a sentence that a customer may read."""
        import_module(settings.ROOT_URLCONF)  # with all that raises an error
        errors = sorted(set(_kinds(DomainError)) - FOR_STAFF)
        self.xgettext_options = [
            *makemessages.Command.xgettext_options,
            *(f"--keyword={name}:1" for name in errors),
        ]
        options["ignore_patterns"] += NOT_FOR_CUSTOMERS
        options["no_location"] = True
        super().handle(*args, **options)


def _kinds(kind: type[DomainError]) -> Iterator[str]:
    for each in kind.__subclasses__():
        yield each.__name__
        yield from _kinds(each)
