"""Wrong variables as system check errors, and the refusal to serve with them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core import checks


def check_environment(**_: Any) -> list[checks.CheckMessage]:
    """`konektika.E001` for a missing variable, `konektika.E002` for a malformed one."""
    found: list[checks.CheckMessage] = [
        checks.Error(problem.sentence, hint=problem.hint, id=f"konektika.{problem.id}")
        for problem in settings.ENVIRONMENT_PROBLEMS
    ]
    try:
        ZoneInfo(settings.BUSINESS_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        found.append(
            checks.Error(
                "BUSINESS_TIME_ZONE names no time zone.",
                hint="Write a name such as Africa/Dar_es_Salaam.",
                id="konektika.E002",
            )
        )
    return found


def exit_if_misconfigured() -> None:
    """End the process with one sentence per error. For servers, which run no checks themselves."""
    import django

    django.setup()
    errors = [message for message in checks.run_checks() if message.is_serious()]
    if errors:
        raise SystemExit("\n".join(str(error) for error in errors))
