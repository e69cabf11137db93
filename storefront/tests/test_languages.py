"""Customers read Swahili or English: pages, and what the API refuses."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import get_language, override
from rest_framework.test import APIClient

from accounts.errors import WeakPassword
from accounts.models import User
from accounts.services.passwords import refuse_weak_password
from bundles.owner_statement import header
from common.framework_sentences import SENTENCES
from payments.tests.factories import a_customer
from storefront.pages.forms import PasswordForm
from storefront.sentences import NEXT_STEPS
from storefront.sentences import SENTENCES as FOUND
from storefront.templatetags.devices import named

ROOT = Path(__file__).resolve().parents[2]
SWAHILI = ROOT / "locale/sw/LC_MESSAGES"
IN_TEMPLATES = re.compile(r"\{% translate \"([^\"]+)\" %\}")
ENTRY = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n?)+)', re.MULTILINE)

App = Callable[[User], APIClient]


def compiled() -> gettext.GNUTranslations:
    with (SWAHILI / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def text(quoted: str) -> str:
    return "".join(re.findall(r'"(.*)"', quoted)).replace('\\"', '"').replace("\\n", "\n")


def test_every_word_of_the_pages_is_in_swahili() -> None:
    swahili, missing = compiled(), []
    for template in sorted((ROOT / "templates/web").glob("*.html")):
        for sentence in IN_TEMPLATES.findall(template.read_text()):
            if swahili.gettext(sentence) == sentence:
                missing.append(f"{template.name}: {sentence}")
    assert missing == []


def test_what_is_found_and_what_the_frameworks_say_of_input_is_in_swahili() -> None:
    swahili = compiled()
    steps = [step for _, step in NEXT_STEPS.values() if step]
    said = [*SENTENCES, *FOUND.values(), *steps]
    assert [each for each in said if swahili.gettext(each) == each] == []


def test_a_short_password_is_refused_in_swahili() -> None:
    with override("sw"), pytest.raises(WeakPassword, match="Liwe na herufi 8 au zaidi"):
        refuse_weak_password("kitabu", User())


def test_what_is_compiled_is_what_was_written() -> None:
    swahili = compiled()
    written = ENTRY.findall((SWAHILI / "django.po").read_text())
    assert len(written) > 250
    for asked, told in written[1:]:
        if text(told):
            assert swahili.gettext(text(asked)) == text(told), "run `make messages`"


def test_a_translation_has_the_figures_of_its_sentence() -> None:
    figures = re.compile(r"\{\w+(?:[:,.]*)\}|%\(\w+\)s")
    for asked, told in ENTRY.findall((SWAHILI / "django.po").read_text())[1:]:
        if text(told):
            assert sorted(figures.findall(text(told))) == sorted(figures.findall(text(asked)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "header", "said"),
    [
        ("sw", {}, "Hakuna malipo kama hayo."),
        ("en", {}, "There is no such payment."),
        ("sw", {"Accept-Language": "en"}, "There is no such payment."),
        ("en", {"Accept-Language": "sw"}, "Hakuna malipo kama hayo."),
        ("sw", {"Accept-Language": "fr-FR,en;q=0.5"}, "There is no such payment."),
        ("sw", {"Accept-Language": "*"}, "Hakuna malipo kama hayo."),
        ("sw", {"Accept-Language": "fr;q=0.9"}, "Hakuna malipo kama hayo."),
        ("sw", {"Accept-Language": "x;;q=zz"}, "Hakuna malipo kama hayo."),
    ],
)
def test_a_refusal_is_in_the_callers_language_with_the_same_code(
    app_of: App, language: str, header: dict[str, str], said: str
) -> None:
    person = a_customer()
    person.language = language
    person.save()
    answer: Any = app_of(person).get("/api/payments/status/nothing", headers=header)
    body = answer.json()
    assert (answer.status_code, body["code"], body["message"]) == (404, "payment_not_found", said)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({}, "", "Taarifa zako zimehifadhiwa."),
        ({"full_name": ""}, "full_name", "Sehemu hii haiwezi kuwa tupu."),
        ({"full_name": "x" * 151}, "full_name", "Sehemu hii isizidi herufi 150."),
        ({"language": "fr"}, "language", '"fr" si chaguo sahihi.'),
        ({"phone": "12"}, "phone", "Weka namba ya simu ya Tanzania, mfano 0754 123 456."),
    ],
)
def test_what_was_entered_is_answered_in_the_persons_language(
    app_of: App, change: dict[str, str], field: str, said: str
) -> None:
    answer: Any = app_of(a_customer()).put("/api/users/profile", change, format="json")
    body = answer.json()
    assert body["message"] == said
    assert body.get("errors", {}) == ({field: [said]} if field else {})


@pytest.mark.django_db(transaction=True)
def test_nobody_is_answered_in_the_language_of_whoever_came_before(app_of: App) -> None:
    person = a_customer()
    app_of(person).get("/api/payments/status/nothing")
    assert get_language() == "en"
    answer: Any = APIClient().get("/api/bundles/999999")
    assert answer.json()["message"] == "This bundle does not exist any more."


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (lambda: PasswordForm({"old_password": "x", "password": "x" * 129}).errors, "herufi 128"),
        (lambda: header()[2], "Kifurushi au kumbukumbu"),
        (lambda: named("phone"), "simu"),
    ],
)
def test_what_django_and_files_say_is_in_swahili_too(
    asked: Callable[[], object], told: str
) -> None:
    with override("sw"):
        assert told in str(asked())
