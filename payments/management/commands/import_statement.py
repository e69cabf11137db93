"""`manage.py import_statement FILE`: read a provider's statement here and now, and say what came of it."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from payments.models import ProviderName, StatementFile, StatementProfile
from payments.services.import_statement import read_statement, take_file
from payments.services.statement_profiles import latest_profiles
from payments.statements.dates import ORDERS
from payments.statements.refusal import StatementRefused


class Command(BaseCommand):
    help = "Import a provider's statement (CSV, XLSX, XLS); the same file twice adds nothing"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--provider", required=True, choices=ProviderName.values)
        parser.add_argument("--account", required=True, help="The till or short code it is of")
        parser.add_argument("--profile", default="", help="Its name; else the header tells")
        parser.add_argument(
            "--dates", default="", choices=ORDERS, help="Where the file's own cannot tell"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        profile = _profile(options["provider"], options["profile"])
        try:
            with path.open("rb") as content:
                file, is_new = take_file(
                    content=File(content),
                    name=path.name,
                    provider=options["provider"],
                    account=options["account"],
                    by=None,
                    profile=profile,
                    dates=options["dates"],
                )
        except (OSError, StatementRefused) as error:
            raise CommandError(str(error)) from error
        if not is_new:
            self.stdout.write(
                f"{path.name} was imported before, as {file} of {file.created_at:%F}."
            )
        read_statement(file_id=file.pk)
        file.refresh_from_db()
        self._tell(file)

    def _tell(self, file: StatementFile) -> None:
        if file.state == StatementFile.State.REFUSED:
            raise CommandError(file.why)
        self.stdout.write(
            f"{file.rows:,} rows: {file.rows_new:,} new, {file.rows_changed:,} changed, "
            f"{file.rows_known:,} known, {file.rows_faulty:,} faulty."
        )
        if file.balance_breaks:
            self.stdout.write(f"The balance does not follow in {file.balance_breaks:,} line(s).")


def _profile(provider: str, name: str) -> StatementProfile | None:
    if not name:
        return None
    named = (profile for profile in latest_profiles(provider) if profile.name == name)
    if (profile := next(named, None)) is None:
        raise CommandError(f"There is no profile {name} of this provider.")
    return profile
