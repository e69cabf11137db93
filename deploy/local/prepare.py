"""Puts the database, the demo data and the static files in place, and has the simulator know where
bills are asked about; prints the demo accounts.

One process for all of it: each `manage.py` command by itself would import Django again.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command

from deploy.local import gateway


def main() -> None:
    """Safe to repeat. Ends with one sentence per wrong variable."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings")
    from konektika.checks import exit_if_misconfigured

    exit_if_misconfigured()
    for command in ("migrate", "apply_schedule", "seed_demo"):
        call_command(command, verbosity=0, stdout=io.StringIO())
    if _static_files_are_old():
        call_command("collectstatic", verbosity=0, interactive=False)
    _register_bills()
    _make_gateway_token()
    _print_accounts()


def _make_gateway_token() -> None:
    """For the agent that enrols as soon as the server runs."""
    if gateway.is_enrolled(os.environ):
        return
    token = gateway.token_file(os.environ)
    token.parent.mkdir(parents=True, exist_ok=True)
    token.touch(mode=0o600)
    with token.open("w") as file:
        call_command("gateway", "token", stdout=file)


def _register_bills() -> None:
    """M-Pesa takes the addresses once, and its other dialect none: neither stands in the way."""
    try:
        call_command("register_paybill_urls", stdout=io.StringIO())
    except CommandError as refusal:
        print(refusal, file=sys.stderr)


def _static_files_are_old() -> bool:
    """Whether a requirement or a file of ours is newer than what was collected."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.exists():
        return True
    root = Path(settings.BASE_DIR)
    sources = [root / "requirements.txt", *root.glob("*/static/**/*")]
    return max(source.stat().st_mtime for source in sources) > manifest.stat().st_mtime


def _print_accounts() -> None:
    from konektika.management.commands.seed_demo import DEMO_ACCOUNTS, STAFF_ACCOUNTS

    for email, _, _, role in DEMO_ACCOUNTS:
        print(f"{role:<13} {email}")
    for email, _, group in STAFF_ACCOUNTS:
        print(f"{group:<13} {email}")


if __name__ == "__main__":
    main()
