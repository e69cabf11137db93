"""Members of staff, cases of an age, and the queue in a browser's place."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from cases.models import Case, CaseKind
from cases.services import open_case

QUEUE = "/admin/cases/case/"


def a_worker(name: str = "Asha", *permissions: str) -> Any:
    """Somebody who sees cases and may work on them, and whatever else is named."""
    people: Any = get_user_model()._default_manager
    person = people.create_user(f"{name.lower()}@example.test", full_name=name, is_staff=True)
    names = ["view_case", "view_bulk", "work_case", *permissions]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    return person


def a_case(
    number: int = 1,
    *,
    kind: str = CaseKind.UNDERPAID,
    amount: int = 1000,
    age: timedelta = timedelta(0),
    customer_waits: bool = False,
) -> Case:
    case = open_case(
        kind=kind, subject=f"payment:{number}", amount=amount, customer_waits=customer_waits
    )
    Case.objects.filter(pk=case.pk).update(opened_at=timezone.now() - age)
    case.refresh_from_db()
    return case


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown(client: Client, **query: str) -> list[Case]:
    """The cases that the queue shows, in its order."""
    answer: Any = client.get(QUEUE, query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def answered(client: Client, path: str, **answers: str) -> str:
    """Open a page that asks, send it, and read the page that comes."""
    form = client.get(path)
    assert form.status_code == 200, path
    body = {"why": "the reason", "key": key_of(form.content.decode()), **answers}
    return client.post(path, body, follow=True).content.decode()


def key_of(page: str) -> str:
    key = re.search(r'name="key" value="(\w+)"', page)
    assert key is not None
    return key[1]
