"""The menu that each role sees."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("support", ["Search", "Payments", "Peers"], ["Terms", "Audit trail", "Transfer rules"]),
        ("finance", ["Search", "Ledger", "Transfers"], ["Terms", "Audit trail", "Schedule"]),
        ("auditor", ["Search", "Terms", "Audit trail"], ["Schedule"]),
    ],
)
def test_a_role_is_shown_what_it_may_open(
    client: Client, role: str, shown: list[str], hidden: list[str]
) -> None:
    person = User.objects.create_user("x@example.test", "x", is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)
    page = client.get("/admin/search/").content.decode()
    menu = page[page.index('id="nav-sidebar"') : page.index('id="main"')]
    assert [title for title in shown if title not in menu] == []
    assert [title for title in hidden if title in menu] == []
