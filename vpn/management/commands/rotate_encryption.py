"""Encrypts the stored keys with the first of FIELD_ENCRYPTION_KEYS; safe to repeat."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError

from vpn.services.rotate_encryption import rotate_encryption


class Command(BaseCommand):
    help = (
        "Encrypt the stored keys with the first of FIELD_ENCRYPTION_KEYS; then drop the old ones."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        try:
            for done in rotate_encryption():
                self.stdout.write(f"{done} devices so far")
        except InvalidToken as error:
            raise CommandError(
                "Some keys were encrypted with a key that FIELD_ENCRYPTION_KEYS does not have any "
                "more. Add it again, behind the new one."
            ) from error
        self.stdout.write(f"The keys of {done} devices are encrypted with the first key.")
