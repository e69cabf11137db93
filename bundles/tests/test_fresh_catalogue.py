"""The catalogue's list is kept by each process, and never older than the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.forms import model_to_dict
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.delete_account import delete_account
from bundles.api import catalogue
from bundles.catalogue_triggers import RENAMED, put_triggers
from bundles.models import Bundle, CatalogueVersion
from bundles.tests.factories import a_bundle
from bundles.tests.test_owners import a_picture, app_of, data, decide, offer, post, upload
from bundles.tests.test_owners import owner as owner
from bundles.tests.test_owners import person as person

pytestmark = pytest.mark.django_db(transaction=True)

Change = Callable[[Bundle], Any]


def listed(**headers: str) -> Any:
    return APIClient().get("/api/bundles", headers=headers)


def bundles() -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = data(listed())["bundles"]
    return shown


def owners_app(bundle: Bundle) -> APIClient:
    return app_of(bundle.owner)


def by_staff(bundle: Bundle) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("boss@example.test", "x", full_name="Boss"))
    values = {name: value for name, value in model_to_dict(bundle).items() if value is not None}
    del values["picture"]
    values |= {"price": 7_000, "versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    page = f"/admin/bundles/bundle/{bundle.pk}/change/"
    assert client.post(page, values).status_code == 302


def by_sql(bundle: Bundle) -> None:
    """As another process does it: nothing in this one hears of it."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bundles_bundle SET price = 7000 WHERE id = %s", [bundle.pk])


def price_of(shown: list[dict[str, Any]]) -> Any:
    return shown[0]["price"]


def count_of(shown: list[dict[str, Any]]) -> Any:
    return len(shown)


@pytest.mark.parametrize(
    ("change", "look", "seen"),
    [
        (by_staff, price_of, 7_000),
        (by_sql, price_of, 7_000),
        (lambda it: owners_app(it).put(f"/api/owner/bundles/{it.pk}", {"price": 7_000}, format="json"), price_of, 7_000),
        (lambda it: post(owners_app(it), f"/bundles/{it.pk}/pause"), count_of, 0),
        (lambda it: Bundle.objects.update(is_active=False), count_of, 0),
        (lambda it: decide(it.owner, "suspended"), count_of, 0),
        (lambda it: delete_account(user=it.owner, password="not-a-secret-1", gives_up_service=False), count_of, 0),
        (lambda it: it.versions.all().delete() and it.delete(), count_of, 0),
        (lambda it: offer(owners_app(it), name="Another"), count_of, 2),
        (lambda it: Bundle.objects.bulk_create([Bundle(**{**model_to_dict(it, exclude=["id"]), "owner": it.owner})]), count_of, 2),
        (lambda it: upload(owners_app(it), it.pk, a_picture()), lambda shown: bool(shown[0]["picture_url"]), True),
        (lambda it: owners_app(it).put("/api/users/profile", {"full_name": "customer"}, format="json"), lambda shown: shown[0]["owner_name"], "customer"),
    ],
    ids=["staff", "sql", "price", "pause", "update", "suspended", "deleted-account", "deleted", "new", "bulk", "picture", "name"],
)  # fmt: skip
def test_a_change_is_in_the_very_next_answer(
    owner: User, settings: Any, tmp_path: Any, change: Change, look: Callable[..., Any], seen: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    User.objects.filter(pk=owner.pk).update(full_name="Customer")
    offer(app_of(owner))
    before = look(bundles())
    assert bundles() == bundles()
    change(Bundle.objects.get())
    assert look(bundles()) == seen != before


def test_whoever_has_the_page_is_told_so_until_it_changes() -> None:
    bundle = a_bundle()
    first = listed()
    again = listed(if_none_match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    by_sql(bundle)
    assert listed(if_none_match=first["ETag"]).status_code == 200


def test_without_a_noted_version_nothing_is_kept() -> None:
    a_bundle()
    CatalogueVersion.objects.all().delete()
    kept = catalogue._kept.cache_info().currsize
    assert len(bundles()) == 1
    assert catalogue._kept.cache_info().currsize == kept


def test_a_lost_trigger_is_put_back_and_what_it_missed_is_seen(owner: User) -> None:
    offer(app_of(owner))
    bundles()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {RENAMED}")
    User.objects.filter(pk=owner.pk).update(full_name="Missed")
    put_triggers(apps.get_app_config("bundles"), using="default")
    assert bundles()[0]["owner_name"] == "Missed"
    User.objects.filter(pk=owner.pk).update(full_name="missed")
    assert bundles()[0]["owner_name"] == "missed"


def test_a_dead_token_is_told_so_by_the_list_too(owner: User) -> None:
    offer(app_of(owner))
    app = app_of(owner)
    assert app.get("/api/bundles").status_code == 200
    app.post("/api/auth/logout")
    assert app.get("/api/bundles").status_code == 401
