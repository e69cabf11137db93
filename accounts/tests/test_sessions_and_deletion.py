"""Where one is signed in, and the end of an account."""

from __future__ import annotations

from typing import Any

import pytest
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import PhoneCode, Session, User
from accounts.tests.phones import PASSWORD, PHONE, a_person, app_of
from notifications.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(device: str) -> APIClient:
    client = APIClient(HTTP_USER_AGENT=device)
    answer = client.post("/api/auth/login", {"email": PHONE, "password": PASSWORD}, format="json")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['data']['token']}")
    return client


def sessions(client: APIClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/users/sessions").json()["data"]["sessions"]
    return found


def test_sessions_are_listed_with_their_devices_and_ended_one_by_one() -> None:
    a_person()
    phone, laptop = sign_in("Konektika 1.4 (Tecno)"), sign_in("Firefox" * 50)
    listed = sessions(phone)
    assert [session["is_current"] for session in listed] == [False, True]
    assert listed[1]["device"] == "Konektika 1.4 (Tecno)"
    assert phone.delete(f"/api/users/sessions/{listed[0]['id']}").status_code == 200
    assert laptop.get("/api/auth/profile").status_code == 401
    assert len(sessions(phone)) == 1


def test_somebody_elses_session_is_not_found() -> None:
    a_person()
    mine = sign_in("mine")
    app_of(a_person("+255754000111"))
    others = Session.objects.exclude(device="mine").get()
    assert mine.delete(f"/api/users/sessions/{others.pk}").status_code == 404
    assert Session.objects.filter(pk=others.pk).exists()


def test_all_others_are_ended_at_once() -> None:
    a_person()
    mine, other = sign_in("mine"), sign_in("other")
    assert mine.delete("/api/users/sessions").status_code == 200
    assert mine.get("/api/auth/profile").status_code == 200
    assert other.get("/api/auth/profile").status_code == 401


def test_a_renewed_token_is_the_same_session() -> None:
    a_person()
    client = sign_in("mine")
    before = sessions(client)[0]
    renewed = client.post("/api/auth/refresh").json()["data"]["token"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed}")
    after = sessions(client)
    assert [(each["id"], each["device"], each["begun_at"]) for each in after] == [
        (before["id"], "mine", before["begun_at"])
    ]


def delete(client: APIClient, **body: Any) -> Any:
    return client.post("/api/users/delete", {"password": PASSWORD, **body}, format="json")


def test_a_deleted_account_names_nobody() -> None:
    person = a_person(email="asha@example.test")
    app = app_of(person)
    app.post("/api/users/phone/verify", format="json")
    assert delete(app).status_code == 200
    person.refresh_from_db()
    told = [
        person.full_name,
        person.email,
        person.phone,
        person.is_active,
        person.is_phone_verified,
    ]
    assert told == ["Deleted account", f"deleted-{person.pk}@konektika.invalid", None, False, False]
    assert person.short_name == person.full_name
    assert not person.has_usable_password()
    assert not AuthToken.objects.exists()
    assert not PhoneCode.objects.exists()
    code, last_words = Message.objects.order_by("pk")
    assert (code.to, code.text) == ("", "")
    assert (last_words.to, last_words.message_id) == ("asha@example.test", "account_deleted")
    assert app.get("/api/auth/profile").status_code == 401


def test_the_phone_and_address_are_free_again() -> None:
    delete(app_of(a_person(email="asha@example.test")))
    again = {
        "full_name": "Asha",
        "email": "asha@example.test",
        "phone": PHONE,
        "password": PASSWORD,
    }
    assert APIClient().post("/api/auth/register", again, format="json").status_code == 201


def test_a_wrong_password_deletes_nothing() -> None:
    app = app_of(person := a_person())
    answer = delete(app, password="not-it")
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    person.refresh_from_db()
    assert person.deleted_at is None


def test_staff_are_not_deleted_here() -> None:
    app = app_of(a_person(is_staff=True, role=User.Role.STAFF))
    assert delete(app).json()["code"] == "account_in_use"
