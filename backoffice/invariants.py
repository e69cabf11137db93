"""What must hold across apps, and the list of all invariants."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connection

from bundles.invariants import INVARIANTS as OF_BUNDLES
from cases.invariants import INVARIANTS as OF_CASES
from common.invariants import Invariant, Offender
from notifications.invariants import INVARIANTS as OF_NOTIFICATIONS
from payments.invariants import INVARIANTS as OF_PAYMENTS
from vpn.invariants import INVARIANTS as OF_VPN

OWN_APPS = ("accounts", "cases", "notifications", "payments", "bundles", "vpn")


def _rules_missing() -> Iterator[Offender]:
    """A unique or check constraint that was dropped, or lost in a restore, guards nothing."""
    models = [model for app in OWN_APPS for model in apps.get_app_config(app).get_models()]
    with connection.cursor() as cursor:
        for model in models:
            table = model._meta.db_table
            standing = connection.introspection.get_constraints(cursor, table)
            for rule in model._meta.constraints:
                if rule.name not in standing:
                    yield Offender(f"constraint:{rule.name}", f"does not stand on {table}")


INVARIANTS = (
    *OF_PAYMENTS,
    *OF_BUNDLES,
    *OF_VPN,
    *OF_CASES,
    *OF_NOTIFICATIONS,
    Invariant("M-19", "The database enforces what the models declare", _rules_missing),
)
