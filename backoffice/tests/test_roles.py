"""Who may do what."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from backoffice.roles import ROLES, VIEW_ALL, apply_roles

pytestmark = pytest.mark.django_db


def given(role: str) -> set[str]:
    found = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in found}


def test_every_role_is_there_after_the_migrations() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_each_has_what_the_table_says(role: str) -> None:
    asked = set(ROLES[role]) - {VIEW_ALL}
    assert asked <= given(role), f"no such permission: {asked - given(role)}"
    more = given(role) - asked
    assert (more == set()) == (VIEW_ALL not in ROLES[role])
    assert all(name.partition(".")[2].startswith("view_") for name in more)


def test_nobody_both_asks_for_a_transfer_and_decides_it() -> None:
    both = {"payments.request_transfer", "payments.decide_transfer"}
    assert [role for role in ROLES if both <= given(role)] == []
    assert {role for role in ROLES if both & given(role)} == {"support", "finance"}


def test_finance_sees_how_money_moved() -> None:
    parts = {"entry", "transferevent", "providercall", "lineversion"}
    assert {f"payments.view_{part}" for part in parts} <= given("finance")


def test_an_auditor_sees_everything_and_changes_nothing() -> None:
    seen = given("auditor")
    assert {"admin.view_logentry", "payments.view_posting", "vpn.view_peer"} <= seen
    assert {name for name in seen if ".view_" not in name} == set()


def test_only_administrators_read_every_phone() -> None:
    assert [role for role in ROLES if "accounts.see_phones" in given(role)] == ["administrator"]
    assert [role for role in ROLES if "accounts.show_phone" in given(role)] == ["support"]


def test_the_table_is_put_in_force_again() -> None:
    support = Group.objects.get(name="support")
    before = given("support")
    support.permissions.remove(Permission.objects.get(codename="change_peer"))
    support.permissions.add(Permission.objects.get(codename="decide_transfer"))
    own = Group.objects.create(name="night shift")
    own.permissions.add(Permission.objects.get(codename="change_peer"))
    for _ in range(2):
        apply_roles()
        assert given("support") == before
    assert given("night shift") == {"vpn.change_peer"}
