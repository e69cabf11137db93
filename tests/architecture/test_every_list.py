"""No list of the back-office asks the database more often because it has more rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from bundles.tests.factories import a_bundle
from common.admin import OneRow
from payments.tests.factories import a_customer
from vpn.tests.factories import another_gateway

pytestmark = pytest.mark.django_db

FEW, MORE = 2, 4
DEEP = 4  # how far the rows that a row belongs to are made too; further ones are left out
FACTORIES: dict[str, Callable[[], Any]] = {
    "accounts.User": a_customer,
    "bundles.Bundle": a_bundle,
    "vpn.Gateway": another_gateway,
}
# What the tables' own checks demand, or a row could not be shown without.
VALUES: dict[str, dict[str, Any]] = {
    "bundles.Gift": {"subscription": None, "claimed_by": None, "received": None},
    "bundles.Seat": {"purchase": None},
    "bundles.Subscription": {"ends_at": timezone.now() + timedelta(days=1)},
    "payments.ReceiptClaim": {"state": "found"},
    "payments.Match": {"transfer": None, "posting": None, "contra_of": None},
    "payments.Posting": {"transfer": None},
    "payments.Payment": {"from_credit": 0},
    "payments.Transfer": {"decided_by": None},
    "payments.WebhookDelivery": {"transfer": None},
    "payments.CreditRequest": {"decided_by": None},
    "cases.Case": {"proposal": ""},
}
# A row of each provider, and no other; a calendar, which shows a month of days, rows or no rows.
ALWAYS_THE_SAME = {"payments.ProviderSwitch", "payments.DayClose"}
LISTS = [
    model
    for model, page in admin.site._registry.items()
    if OneRow not in type(page).__mro__ and model._meta.label not in ALWAYS_THE_SAME
]
numbers = count(1)


def a_row(model: type[models.Model], depth: int = DEEP) -> Any:
    """A row whose every foreign key names a row of its own, so that no two share what they join."""
    if factory := FACTORIES.get(model._meta.label):
        return factory()
    values = {}
    for field in model._meta.concrete_fields:
        is_to_be_made = field.is_relation or not field.has_default()
        if not (field.generated or isinstance(field, models.AutoField)) and is_to_be_made:
            values[field.name] = _value(field, depth)
    row = model(**{**values, **VALUES.get(model._meta.label, {})})
    # Not `save`, which some models forbid or do more by.
    return model._base_manager.bulk_create([row])[0]


def _value(field: Any, depth: int) -> Any:
    number = next(numbers)
    if field.is_relation:
        if (field.null and not depth) or field.related_model is field.model:
            return None
        return a_row(field.related_model, max(depth - 1, 0))
    if field.null and field.choices is None and isinstance(field, models.DateTimeField):
        return None
    if field.choices:
        return next(value for value, _ in field.flatchoices if value)
    match field:
        case models.EmailField():
            return f"row{number}@example.test"
        case models.CharField() | models.TextField() | models.FileField():
            return str(number)[-(field.max_length or 20) :]
        case models.DateTimeField():
            return timezone.now()
        case models.DateField():
            return timezone.now().date() - timedelta(days=number)
        case models.BooleanField():
            return True
        case models.IntegerField():
            return number
        case models.JSONField():
            return {}
        case models.BinaryField():
            return b"{}"
        case models.GenericIPAddressField():
            return "127.0.0.1"
    raise NotImplementedError(f"a value for {field}")


def shown(client: Client, model: type[models.Model]) -> tuple[int, int]:
    """How many rows the list shows, with all that there are, and how many queries that takes."""
    meta = model._meta
    path = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    client.get(path)  # what is remembered from then on
    with CaptureQueriesContext(connection) as queries:
        answer: Any = client.get(path)
    assert answer.status_code == 200
    return len(answer.context["cl"].result_list), len(queries)


@pytest.mark.parametrize("model", LISTS, ids=[model._meta.label for model in LISTS])
def test_a_list_costs_the_same_however_long_it_is(
    client: Client, model: type[models.Model]
) -> None:
    client.force_login(User.objects.create_superuser("staff@example.test", "x", full_name="Staff"))
    for _ in range(FEW):
        a_row(model)
    few, queries = shown(client, model)
    for _ in range(MORE):
        a_row(model)
    more, queries_then = shown(client, model)
    assert more >= few + MORE, "the rows that were made are not shown"
    assert queries_then == queries


def test_all_other_lists_have_no_rows_to_add() -> None:
    others = {model._meta.label for model in admin.site._registry} - {
        model._meta.label for model in LISTS
    }
    assert others == {
        "bundles.Terms",
        "cases.CaseRules",
        "django_celery_beat.PeriodicTask",
        "payments.DayClose",
        "payments.MatchingRules",
        "payments.PromptLimits",
        "payments.ProviderSwitch",
        "payments.TransferRules",
    }
