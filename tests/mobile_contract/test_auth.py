"""Signing up, in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import User
from tests.mobile_contract.app import PASSWORD, with_token
from tests.mobile_contract.shapes import USER, assert_error, assert_shape, assert_success

pytestmark = pytest.mark.django_db(transaction=True)

NEWCOMER = {
    "full_name": "Neema Mteja",
    "email": "neema@example.test",
    "phone": "+255754123456",
    "password": PASSWORD,
    "user_type": "client",
}


def register(nobody: APIClient, **changes: Any) -> Any:
    return nobody.post("/api/auth/register", {**NEWCOMER, **changes}, format="json")


def profile(token: str) -> Any:
    return with_token(token).get("/api/auth/profile")


def test_registering_gives_a_token_and_the_person(nobody: APIClient) -> None:
    data = assert_success(register(nobody), 201)
    assert_shape(data["user"], USER)
    assert data["user"]["full_name"] == NEWCOMER["full_name"]
    assert data["user"]["email"] == NEWCOMER["email"]
    assert data["user"]["phone"] == NEWCOMER["phone"]
    assert data["user"]["user_type"] == "client"
    assert assert_success(profile(data["token"]))["user"] == data["user"]


def test_logging_in_gives_another_token_and_the_same_person(nobody: APIClient) -> None:
    registered = assert_success(register(nobody), 201)
    credentials = {"email": NEWCOMER["email"], "password": PASSWORD}
    data = assert_success(nobody.post("/api/auth/login", credentials, format="json"))
    assert data["user"] == registered["user"]
    assert data["token"] != registered["token"]


@pytest.mark.parametrize(
    "wrong", [{"password": "not-the-password"}, {"email": "nobody@example.test"}]
)
def test_wrong_credentials_are_refused_alike(nobody: APIClient, wrong: dict[str, str]) -> None:
    register(nobody)
    credentials = {"email": NEWCOMER["email"], "password": PASSWORD, **wrong}
    response = nobody.post("/api/auth/login", credentials, format="json")
    assert_error(response, 401, "invalid_credentials")


@pytest.mark.parametrize("by", ["register", "login", "refresh"])
def test_a_token_lives_seven_days(nobody: APIClient, by: str) -> None:
    token = assert_success(register(nobody), 201)["token"]
    if by == "login":
        AuthToken.objects.all().delete()
        credentials = {"email": NEWCOMER["email"], "password": PASSWORD}
        answer = nobody.post("/api/auth/login", credentials, format="json")
        token = assert_success(answer)["token"]
    if by == "refresh":
        AuthToken.objects.update(expiry=timezone.now() + timedelta(minutes=5))
        token = assert_success(with_token(token).post("/api/auth/refresh"))["token"]
    left = AuthToken.objects.get().expiry - timezone.now()
    assert timedelta() <= timedelta(days=7) - left < timedelta(minutes=1)
    assert_success(profile(token))
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert_error(profile(token), 401)


def test_after_logging_out_the_token_is_dead(nobody: APIClient) -> None:
    token = assert_success(register(nobody), 201)["token"]
    assert_success(with_token(token).post("/api/auth/logout"))
    assert_error(profile(token), 401)


def test_refreshing_gives_a_new_token_and_ends_the_old_one(nobody: APIClient) -> None:
    old = assert_success(register(nobody), 201)["token"]
    new = assert_success(with_token(old).post("/api/auth/refresh"))["token"]
    assert new != old
    assert_error(profile(old), 401)
    assert_success(profile(new))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Token abc", "Bearer a b"])
def test_whoever_has_no_good_token_is_answered_401(nobody: APIClient, header: str) -> None:
    nobody.credentials(HTTP_AUTHORIZATION=header)
    assert_error(nobody.get("/api/auth/profile"), 401)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", ""),
        ("email", "no-address"),
        ("phone", "12345"),
        ("phone", "+254712345678"),
        ("password", "short"),
        ("password", "12345678901"),
        ("user_type", "admin"),
        ("user_type", "staff"),
    ],
)
def test_what_cannot_be_registered_is_named(nobody: APIClient, field: str, value: str) -> None:
    body = assert_error(register(nobody, **{field: value}), 400)
    assert field in body["errors"] or field == "phone"
    assert not User.objects.exists()


@pytest.mark.parametrize("taken", ["email", "phone"])
def test_an_email_and_a_phone_belong_to_one_person(nobody: APIClient, taken: str) -> None:
    register(nobody)
    other = {"email": "other@example.test", "phone": "+255754123457", taken: NEWCOMER[taken]}
    assert_error(register(nobody, **other), 409, "already_registered")
    assert User.objects.count() == 1


def test_nobody_makes_themselves_staff(nobody: APIClient) -> None:
    register(nobody, is_staff=True, is_superuser=True, role="staff")
    person = User.objects.get()
    assert (person.is_staff, person.is_superuser, person.role) == (False, False, "customer")
