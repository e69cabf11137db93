"""Signing up, in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.errors import SessionEnded
from accounts.models import User
from accounts.services.sign_in import renew_token

pytestmark = pytest.mark.django_db(transaction=True)

ASHA = {
    "full_name": "Asha Juma",
    "email": "Asha@Example.test",
    "phone": "0754 123 456",
    "password": "kitabu-cha-2026",
    "user_type": "client",
}


def post(path: str, body: dict[str, Any], token: str = "") -> Any:
    client = APIClient()
    if token:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post(f"/api/auth/{path}", body, format="json")


def profile(token: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    status: int = client.get("/api/auth/profile").status_code
    return status


def registered() -> str:
    token: str = post("register", ASHA).json()["data"]["token"]
    return token


def test_a_customer_registers_and_is_signed_in() -> None:
    answer = post("register", ASHA)
    assert answer.status_code == 201
    user = answer.json()["data"]["user"]
    assert (user["email"], user["phone"]) == ("asha@example.test", "+255754123456")
    assert user["user_type"] == "client"
    assert User.objects.get().role == User.Role.CUSTOMER
    assert profile(answer.json()["data"]["token"]) == 200


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"phone": "+254712345678"}, 400, "invalid_phone_number", "phone"),
        ({"email": "no-address"}, 400, "validation_error", "email"),
        ({"password": "12345"}, 400, "weak_password", "password"),
        ({"password": "+255754123456"}, 400, "weak_password", "password"),
        ({"user_type": "staff"}, 400, "validation_error", "user_type"),
        ({"full_name": "a\x00b"}, 400, "validation_error", "full_name"),
    ],
)
def test_bad_details_are_refused(
    change: dict[str, str], status: int, code: str, field: str
) -> None:
    answer = post("register", {**ASHA, **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert field == "" or field in answer.json()["errors"]


def test_nobody_registers_into_the_back_office() -> None:
    post("register", {**ASHA, "is_staff": True, "is_superuser": True, "role": "staff"})
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.role) == (False, False, "customer")


@pytest.mark.parametrize("other", [{"phone": "0754999999"}, {"email": "other@example.test"}])
def test_an_address_or_phone_has_one_account(other: dict[str, str]) -> None:
    registered()
    answer = post("register", {**ASHA, **other})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_registered")
    assert User.objects.count() == 1


def test_signing_in_takes_the_address_in_any_case() -> None:
    registered()
    answer = post("login", {"email": "ASHA@example.test", "password": ASHA["password"]})
    assert answer.status_code == 200


@pytest.mark.parametrize("email", ["asha@example.test", "nobody@example.test"])
def test_a_wrong_password_and_an_unknown_address_look_the_same(email: str) -> None:
    registered()
    answer = post("login", {"email": email, "password": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


def test_signing_out_ends_the_token() -> None:
    token = registered()
    assert post("logout", {}, token).status_code == 200
    assert profile(token) == 401


def test_a_renewed_token_replaces_the_old_one() -> None:
    old = registered()
    new = post("refresh", {}, old).json()["data"]["token"]
    assert (profile(old), profile(new)) == (401, 200)


def test_a_token_has_one_successor() -> None:
    registered()
    first, second = (AuthToken.objects.select_related("user").get() for _ in range(2))
    renew_token(user=first.user, old=first)
    with pytest.raises(SessionEnded):
        renew_token(user=second.user, old=second)
    assert AuthToken.objects.count() == 1


def test_a_token_ends_after_its_days() -> None:
    token = registered()
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert profile(token) == 401


def test_tokens_are_stored_as_hashes() -> None:
    token = registered()
    assert not AuthToken.objects.filter(digest__contains=token[:20]).exists()


def test_one_may_change_ones_own_profile() -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {registered()}")
    answer = client.put(
        "/api/users/profile", {"full_name": "Asha M.", "language": "en"}, format="json"
    )
    assert answer.json()["data"]["user"]["full_name"] == "Asha M."
    assert User.objects.get().language == "en"
    User.objects.create_user("other@example.test", "x", phone="+255754000111")
    taken = client.put("/api/users/profile", {"phone": "0754000111"}, format="json")
    assert taken.status_code == 409


def test_guessing_passwords_is_slowed_down() -> None:
    registered()
    guesses = [
        post("login", {"email": "asha@example.test", "password": str(n)}).status_code
        for n in range(11)
    ]
    assert guesses[-1] == 429


def test_trying_out_who_has_an_account_is_slowed_down() -> None:
    registered()
    others = [{**ASHA, "email": f"a{n}@example.test", "phone": f"07549990{n:02}"} for n in range(3)]
    assert [post("register", other).status_code for other in others] == [201] * 3
    refused = [post("register", ASHA).status_code for _ in range(61)]
    assert refused == [409] * 60 + [429]


def test_so_it_is_in_ones_own_profile() -> None:
    User.objects.create_user("taken@example.test", "x", phone="+255754000111")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {registered()}")

    def change(**to: str) -> int:
        status: int = client.put("/api/users/profile", to, format="json").status_code
        return status

    assert [change(language="en") for _ in range(11)] == [200] * 11
    tried = [{"email": "taken@example.test"}, {"phone": "0754000111"}] * 5
    assert [change(**one) for one in tried] == [409] * 10
    assert change(email="taken@example.test") == 429
    assert client.get("/api/users/profile").status_code == 200
