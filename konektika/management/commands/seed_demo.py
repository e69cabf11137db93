"""What `make run` starts with: the catalogue, a gateway and one account of each role."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from backoffice.roles import ROLES
from bundles.models import Owner
from bundles.services.seed import seed_catalogue
from common.transactions import retried
from vpn.services.seed import ensure_first_gateway

DEMO_ACCOUNTS = (
    ("admin@konektika.test", "Asha Admin", None, User.Role.STAFF),
    ("owner@konektika.test", "Omari Owner", "+255754000901", User.Role.OWNER),
    ("customer@konektika.test", "Zawadi Customer", "+255754000902", User.Role.CUSTOMER),
)
# What the demo's owner shares: staff have nothing to decide before a first bundle is offered.
APPROVED = {
    "state": Owner.State.APPROVED,
    "about": "A fibre line in Dar es Salaam",
    "connection_gb": 10_000,
    "connection_seats": 100,
}
# The first of the accounts may do everything; these, each what its role may.
STAFF_ACCOUNTS = tuple(
    (f"{role}@konektika.test", f"{name} {role.capitalize()}", role)
    for role, name in zip(ROLES, ("Subira", "Farida", "Musa", "Amani", "Adili"), strict=True)
)


class Command(BaseCommand):
    help = "Seed the catalogue, the first gateway and the demo accounts (password: DEMO_PASSWORD)."

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("DEMO_PASSWORD", "")
        if not password:
            raise CommandError("Set DEMO_PASSWORD to the demo accounts' password.")
        seed_catalogue()
        ensure_first_gateway()
        _seed_accounts(password)
        _seed_staff(password)
        self.stdout.write("Demo data in place.")


@retried
def _seed_accounts(password: str) -> None:
    for email, name, phone, role in DEMO_ACCOUNTS:
        is_staff = role == User.Role.STAFF
        person, is_new = User.objects.get_or_create(
            email=email,
            defaults={
                "full_name": name,
                "phone": phone,
                "phone_verified_at": timezone.now(),
                "role": role,
                "is_staff": is_staff,
                "is_superuser": is_staff,
            },
        )
        if is_new:
            person.set_password(password)
            person.save()
        if role == User.Role.OWNER:
            defaults = {**APPROVED, "decided_at": timezone.now()}
            Owner.objects.get_or_create(person=person, defaults=defaults)


@retried
def _seed_staff(password: str) -> None:
    for email, name, role in STAFF_ACCOUNTS:
        person, is_new = User.objects.get_or_create(
            email=email,
            defaults={"full_name": name, "role": User.Role.STAFF, "is_staff": True},
        )
        if is_new:
            person.set_password(password)
            person.save()
            person.groups.add(Group.objects.get(name=role))
