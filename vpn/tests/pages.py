"""Staff at the admin's pages: who sees them, and a page that asks, answered."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User

SEEN = ["view_peer", "view_gateway", "view_subscription", "view_case"]


def staff(*permissions: str) -> Client:
    """Somebody who sees the pages, and may do what these permissions allow."""
    number = User.objects.count()
    person = User.objects.create_user(f"staff{number}@example.test", "x", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=[*SEEN, *permissions]))
    client = Client()
    client.force_login(person)
    return client


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return answer.content.decode()


def listed(client: Client, path: str, **query: str) -> list[Any]:
    """The rows that a list shows for a query string."""
    answer: Any = client.get(path, query)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def send(client: Client, path: str, times: int = 1, **answers: Any) -> str:
    """Fill in a page that asks, and send it as often; the page that comes then."""
    form = page(client, path)
    hidden = re.findall(r'<input type="hidden" name="(key|seen)" value="([^"]+)"', form)
    body = {**dict(hidden), "why": "the reason", **answers}
    shown = ""
    for _ in range(times):
        answer = client.post(path, body, follow=True)
        assert answer.status_code == 200
        shown = answer.content.decode()
    return shown
