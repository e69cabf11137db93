"""Codes by SMS: a phone proved, a phone changed, a password chosen anew."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from accounts.models import PhoneCode, User
from accounts.services import steady
from accounts.services.codes import forget_old_codes
from accounts.tests.phones import (
    PASSWORD,
    PHONE,
    a_person,
    another_than,
    app_of,
    code_on,
    received,
)
from notifications.models import Message
from notifications.services import send_queued

pytestmark = pytest.mark.django_db(transaction=True)

NEW_PHONE = "+255688123456"
NEW_PASSWORD = "mwezi-mpya-2026"


def ask(app: APIClient, path: str, **body: Any) -> Any:
    return app.post(f"/api/{path}", body, format="json")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# --- a phone is proved ---


def test_a_code_proves_the_phone() -> None:
    app = app_of(person := a_person(is_proved=False))
    assert ask(app, "users/phone/verify").status_code == 200
    answer = ask(app, "users/phone/verify/confirm", code=f" {code_on()} ")
    assert answer.json()["data"]["user"]["phone_verified"] is True
    person.refresh_from_db()
    assert person.phone_verified_at is not None
    assert person.phone_changed_at is None


def test_a_code_is_good_once_and_the_newest_only() -> None:
    app = app_of(a_person(is_proved=False))
    ask(app, "users/phone/verify")
    first = code_on()
    ask(app, "users/phone/verify")
    if first != code_on():
        assert refused(ask(app, "users/phone/verify/confirm", code=first)) == (400, "wrong_code")
    second = code_on()
    assert ask(app, "users/phone/verify/confirm", code=second).status_code == 200
    assert refused(ask(app, "users/phone/verify/confirm", code=second)) == (400, "wrong_code")


def test_after_five_wrong_tries_the_right_code_is_dead() -> None:
    app = app_of(person := a_person(is_proved=False))
    ask(app, "users/phone/verify")
    for _ in range(5):
        wrong = ask(app, "users/phone/verify/confirm", code=another_than(code_on()))
        assert refused(wrong) == (400, "wrong_code")
    assert refused(ask(app, "users/phone/verify/confirm", code=code_on())) == (400, "wrong_code")
    person.refresh_from_db()
    assert person.phone_verified_at is None


def test_four_wrong_tries_leave_one() -> None:
    app = app_of(a_person(is_proved=False))
    ask(app, "users/phone/verify")
    for _ in range(4):
        ask(app, "users/phone/verify/confirm", code=another_than(code_on()))
    assert ask(app, "users/phone/verify/confirm", code=code_on()).status_code == 200


def test_a_code_lives_five_minutes() -> None:
    app = app_of(a_person(is_proved=False))
    ask(app, "users/phone/verify")
    assert PhoneCode.objects.get().expires_at - timezone.now() <= timedelta(minutes=5)
    PhoneCode.objects.update(expires_at=timezone.now())
    assert refused(ask(app, "users/phone/verify/confirm", code=code_on())) == (400, "wrong_code")


def test_a_code_for_another_purpose_or_person_is_wrong() -> None:
    app = app_of(a_person())
    ask(app, "users/phone/verify")
    other = app_of(a_person(NEW_PHONE))
    ask(other, "users/phone/change", phone="0754000999", password=PASSWORD)
    for client in (app, other):
        answer = ask(client, "users/phone/change/confirm", code=code_on())
        assert refused(answer) == (400, "wrong_code")


def test_three_codes_an_hour_go_to_a_phone() -> None:
    app = app_of(a_person(is_proved=False))
    answers = [ask(app, "users/phone/verify") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert refused(answers[-1]) == (429, "too_many_codes")
    PhoneCode.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert ask(app, "users/phone/verify").status_code == 200


def test_ten_codes_a_day_go_to_a_phone() -> None:
    person = a_person(is_proved=False)
    earlier = timezone.now() - timedelta(hours=2)
    for _ in range(10):
        PhoneCode.objects.create(
            user=person, phone=PHONE, purpose="verify_phone", created_at=earlier, expires_at=earlier
        )
    answer = ask(app_of(person), "users/phone/verify")
    assert refused(answer) == (429, "too_many_codes")


def test_digits_are_not_kept_with_the_code() -> None:
    ask(app_of(a_person(is_proved=False)), "users/phone/verify")
    assert code_on() not in PhoneCode.objects.get().digest


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "12345a", "\uff11\uff12\uff13\uff14\uff15\uff16"]
)
def test_what_is_no_code_is_no_try(code: str) -> None:
    app = app_of(a_person(is_proved=False))
    ask(app, "users/phone/verify")
    answer = ask(app, "users/phone/verify/confirm", code=code)
    assert refused(answer) == (400, "validation_error")
    assert PhoneCode.objects.get().wrong_tries == 0


def test_without_a_phone_there_is_nothing_to_prove() -> None:
    app = app_of(a_person(None, is_proved=False))
    assert refused(ask(app, "users/phone/verify")) == (409, "no_phone")


def test_old_codes_are_forgotten() -> None:
    ask(app_of(a_person(is_proved=False)), "users/phone/verify")
    assert forget_old_codes() == 0
    PhoneCode.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert forget_old_codes() == 1


# --- a phone is changed ---


def test_a_new_phone_is_proved_and_the_old_one_told() -> None:
    app = app_of(person := a_person())
    ask(app, "users/phone/change", phone="0688 123 456", password=PASSWORD)
    person.refresh_from_db()
    assert person.phone == PHONE
    answer = ask(app, "users/phone/change/confirm", code=code_on(NEW_PHONE))
    assert answer.json()["data"]["user"]["phone"] == NEW_PHONE
    assert received(PHONE) == ["phone_changed"]
    assert received(person.email) == ["phone_changed"]
    person.refresh_from_db()
    assert person.payouts_frozen_until is not None
    assert person.payouts_frozen_until - timezone.now() > timedelta(hours=71, minutes=59)


def test_a_phone_is_changed_by_whoever_knows_the_password() -> None:
    app = app_of(a_person())
    answer = ask(app, "users/phone/change", phone=NEW_PHONE, password="not-it")
    assert refused(answer) == (400, "wrong_password")
    assert received(NEW_PHONE) == []


def test_nobody_learns_whose_phone_it_is() -> None:
    a_person(NEW_PHONE)
    app = app_of(a_person())
    taken = ask(app, "users/phone/change", phone=NEW_PHONE, password=PASSWORD)
    free = ask(app, "users/phone/change", phone="0754000999", password=PASSWORD)
    assert (taken.status_code, taken.json()) == (free.status_code, free.json())
    assert received(NEW_PHONE) == ["phone_has_account"]


@pytest.mark.parametrize("is_taken", [True, False])
def test_neither_by_asking_often_nor_by_what_becomes_of_an_earlier_code(is_taken: bool) -> None:
    if is_taken:
        a_person(NEW_PHONE)
    app = app_of(a_person())
    ask(app, "users/phone/change", phone="0754000999", password=PASSWORD)
    earlier = code_on("+255754000999")
    answers = [
        ask(app, "users/phone/change", phone=NEW_PHONE, password=PASSWORD).status_code
        for _ in range(4)
    ]
    assert answers == [200, 200, 200, 429]
    assert refused(ask(app, "users/phone/change/confirm", code=earlier)) == (400, "wrong_code")


def test_whoever_proves_a_phone_takes_it_from_an_account_that_only_names_it() -> None:
    squatter = a_person(NEW_PHONE, is_proved=False)
    app = app_of(person := a_person())
    ask(app, "users/phone/change", phone=NEW_PHONE, password=PASSWORD)
    assert ask(app, "users/phone/change/confirm", code=code_on(NEW_PHONE)).status_code == 200
    squatter.refresh_from_db()
    person.refresh_from_db()
    assert (squatter.phone, person.phone) == (None, NEW_PHONE)


def test_a_proved_phone_is_not_changed_by_the_profile_alone() -> None:
    app = app_of(person := a_person())
    same = app.put("/api/users/profile", {"phone": "0754123456", "language": "en"}, format="json")
    assert same.status_code == 200
    other = app.put("/api/users/profile", {"phone": NEW_PHONE}, format="json")
    assert refused(other) == (409, "phone_needs_code")
    person.refresh_from_db()
    assert (person.phone, person.is_phone_verified) == (PHONE, True)


def test_a_phone_that_was_only_typed_is_corrected_in_the_profile() -> None:
    app = app_of(person := a_person(is_proved=False))
    app.put("/api/users/profile", {"phone": NEW_PHONE}, format="json")
    person.refresh_from_db()
    assert person.phone == NEW_PHONE
    assert received(PHONE) == ["phone_changed"]


@pytest.mark.parametrize("phone", ["+254712345678", "0900123456", "75412345", "abc", ""])
def test_foreign_premium_and_malformed_numbers_are_refused(phone: str) -> None:
    answer = ask(app_of(a_person()), "users/phone/change", phone=phone, password=PASSWORD)
    assert answer.status_code == 400
    assert not PhoneCode.objects.exists()


# --- a password is chosen anew ---


def reset(phone: str, code: str, password: str = NEW_PASSWORD) -> Any:
    return ask(
        APIClient(), "auth/password/reset/confirm", phone=phone, code=code, password=password
    )


def test_a_code_lets_choose_a_new_password_and_ends_every_session() -> None:
    person = a_person()
    app_of(person)
    ask(APIClient(), "auth/password/reset", phone="0754123456")
    answer = reset("0754123456", code_on())
    assert answer.status_code == 200
    assert AuthToken.objects.count() == 1
    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)
    assert received(person.email) == ["password_changed"]


def test_nobody_learns_whether_a_phone_has_an_account() -> None:
    a_person()
    known = ask(APIClient(), "auth/password/reset", phone=PHONE)
    unknown = ask(APIClient(), "auth/password/reset", phone=NEW_PHONE)
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    wrong = reset(PHONE, another_than(code_on()))
    assert wrong.json() == reset(NEW_PHONE, "123456").json()
    many = [ask(APIClient(), "auth/password/reset", phone=PHONE).status_code for _ in range(4)]
    assert many == [200] * 4
    assert len(received(PHONE)) == 3


@pytest.mark.parametrize("phone", [PHONE, NEW_PHONE])
@pytest.mark.parametrize("path", ["auth/password/reset", "auth/password/reset/confirm"])
def test_an_answer_takes_its_time_for_everybody(phone: str, path: str) -> None:
    a_person()
    begin = monotonic()
    ask(APIClient(), path, phone=phone, code="123456", password=NEW_PASSWORD)
    assert monotonic() - begin >= steady.SECONDS


@pytest.mark.parametrize(
    "fields", [{"is_proved": False}, {"is_active": False}, {"is_staff": True, "role": "staff"}]
)
def test_a_code_goes_only_to_a_proved_phone_of_a_customer(fields: dict[str, Any]) -> None:
    a_person(**fields)
    assert ask(APIClient(), "auth/password/reset", phone=PHONE).status_code == 200
    assert received() == []


def test_a_weak_password_leaves_the_code_good() -> None:
    a_person()
    ask(APIClient(), "auth/password/reset", phone=PHONE)
    assert refused(reset(PHONE, code_on(), "12345678")) == (400, "weak_password")
    assert reset(PHONE, code_on()).status_code == 200


def test_a_password_is_changed_by_whoever_knows_the_old_one() -> None:
    person = a_person()
    elsewhere = app_of(person)
    app = app_of(person)
    wrong = ask(app, "auth/password", old_password="x", password=NEW_PASSWORD)
    assert refused(wrong) == (400, "wrong_password")
    right = ask(app, "auth/password", old_password=PASSWORD, password=NEW_PASSWORD)
    assert right.status_code == 200
    assert app.get("/api/auth/profile").status_code == 200
    assert elsewhere.get("/api/auth/profile").status_code == 401
    assert received(person.email) == ["password_changed"]
    send_queued(key=Message.objects.get(message_id="password_changed").key)
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == ([person.email], "Konektika: nenosiri limebadilishwa")
    assert "Nenosiri la akaunti yako" in letter.body


@pytest.mark.parametrize(("email", "told"), [("new@example.test", 1), ("ASHA@example.test", 0)])
def test_the_address_it_had_is_told_of_another(email: str, told: int) -> None:
    app = app_of(a_person(email="asha@example.test"))
    for _ in range(2):
        assert app.put("/api/users/profile", {"email": email}, format="json").status_code == 200
    assert received("asha@example.test") == ["email_changed"] * told
    assert received("new@example.test") == []


def test_signing_in_takes_the_phone_too() -> None:
    a_person(is_proved=False)
    for name in ("0754 123 456", "+255754123456"):
        answer = ask(APIClient(), "auth/login", email=name, password=PASSWORD)
        assert answer.status_code == 200
    unknown = ask(APIClient(), "auth/login", email="0754 999 999", password=PASSWORD)
    assert refused(unknown) == (401, "invalid_credentials")
    assert User.objects.count() == 1
