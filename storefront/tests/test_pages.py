"""The light web page, by its forms; tests/browser has it in Chromium."""

from __future__ import annotations

import gzip
import io
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.models import AuthToken
from PIL import Image

from accounts.models import Session, User
from accounts.tests.phones import code_on
from bundles.models import Bundle, Gift, Owner, Renewal, Subscription
from bundles.services.give_data import give_data
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import hear, pay
from notifications.models import Message
from payments.models import MobileMoneyTransaction, Payment, ReceiptClaim
from payments.tests.factories import a_customer, a_phone
from storefront.pages.base import TOKEN
from storefront.pages.urls import page_urlpatterns
from storefront.sentences import duration
from storefront.templatetags.devices import browser
from vpn.diagnosis import Finding
from vpn.models import Peer
from vpn.tests.ailments import befall

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("providers")]

PASSWORD = "not-a-secret-1"
MPESA = "vodacom_mpesa"
# A bundle is anybody's to buy, and to set up once it is bought.
FOR_EVERYBODY = {"web-bundle", "web-set-up", "web-gift"}  # the last: for whoever has its link
OWN_PAGES = [
    "/internet",
    "/gifts",
    "/history",
    "/help",
    "/help/receipt",
    "/account",
    "/account/password",
    "/account/phone",
    "/account/delete",
    "/owner",
    "/owner/offer",
    "/owner/sales",
    "/owner/customers",
    "/owner/statement",
]


def signed_in(person: User, client: Client | None = None) -> Client:
    client = client or Client()
    answer = client.post("/login", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


def text(answer: Any) -> str:
    """What a reader sees."""
    return re.sub(r"<[^>]*>", "", answer.content.decode())


@pytest.fixture
def person() -> User:
    return User.objects.create_user(
        "asha@example.test", PASSWORD, full_name="Asha Juma", phone="+255754123456", language="en"
    )


@pytest.fixture
def web(person: User) -> Client:
    return signed_in(person)


# --- in and out ---


def test_a_newcomer_signs_up_buys_and_comes_back_to_the_bundle() -> None:
    bundle, client = a_bundle(), Client(headers={"Accept-Language": "en"})
    assert "Daily Bundle" in text(client.get("/"))
    assert client.get(f"/bundle/{bundle.pk}").status_code == 200
    assert client.post(f"/bundle/{bundle.pk}", {"phone": "0754123456"})["Location"] == (
        f"/login?next=%2Fbundle%2F{bundle.pk}"
    )
    new = {
        "full_name": "Neema",
        "phone": "0754 123 456",
        "email": "neema@example.test",
        "password": "kitabu-cha-2026",
        "next": f"/bundle/{bundle.pk}",
    }
    assert client.post("/register", new)["Location"] == f"/bundle/{bundle.pk}"
    assert User.objects.get(email="neema@example.test").language == "en"
    paying = client.post(f"/bundle/{bundle.pk}", {"phone": "0754 123 456", "provider": MPESA})
    payment = Payment.objects.get()
    assert paying["Location"] == f"/payment/{payment.public_id}"
    shown = client.get(paying["Location"])
    assert "waits for your PIN" in text(shown)
    assert f'data-live="/payment/{payment.public_id}/state"' in shown.content.decode()
    assert '<meta http-equiv="refresh"' in shown.content.decode()


@pytest.mark.parametrize("name", ["asha@example.test", "0754 123 456"])
def test_signing_in_takes_the_address_and_the_phone(person: User, name: str) -> None:
    answer = Client().post("/login", {"email": name, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/internet")


def test_a_wrong_password_is_said_at_the_form(person: User) -> None:
    answer = Client().post("/login", {"email": person.email, "password": "no"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()


def test_guessing_is_slowed_down(person: User) -> None:
    answers = [
        Client().post("/login", {"email": person.email, "password": str(n)}).status_code
        for n in range(11)
    ]
    assert answers[-1] == 429


@pytest.mark.parametrize("path", OWN_PAGES)
def test_own_pages_are_for_whoever_has_signed_in(path: str, web: Client) -> None:
    assert Client().get(path)["Location"].startswith("/login?next=%2F")
    assert web.get(path).status_code == 200


@pytest.mark.parametrize("wanted", ["//evil.test/", "https://evil.test/", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere(person: User, wanted: str) -> None:
    form = {"email": person.email, "password": PASSWORD, "next": wanted}
    assert Client().post("/login", form)["Location"] == "/internet"


def test_a_browser_is_a_session_that_can_be_ended_elsewhere(person: User, web: Client) -> None:
    other = signed_in(person, Client(HTTP_USER_AGENT="The other one"))
    assert "The other one" in text(web.get("/account"))
    AuthToken.objects.exclude(pk=web.session[TOKEN]).delete()
    assert other.get("/account").status_code == 302
    web.post("/logout")
    assert not AuthToken.objects.exists()
    assert web.get("/account").status_code == 302


def test_a_session_of_the_back_office_is_none_here(person: User) -> None:
    client = Client()
    client.force_login(person)
    assert client.get("/account").status_code == 302


def test_a_forgotten_password_is_chosen_anew_with_a_code(person: User) -> None:
    User.objects.update(phone_verified_at=timezone.now())
    client = Client()
    assert client.post("/password", {"phone": "0754123456"})["Location"] == "/password/new"
    form = {"phone": "0754123456", "code": code_on(), "password": "mwezi-mpya-2026"}
    assert client.post("/password/new", form)["Location"] == "/internet"
    assert client.get("/internet").status_code == 200


# --- languages ---


@pytest.mark.parametrize(
    ("asked", "language"), [("", "sw"), ("en-GB,en", "en"), ("sw-TZ", "sw"), ("fr", "sw")]
)
def test_a_page_is_in_the_language_that_is_asked_for(asked: str, language: str) -> None:
    answer = Client(headers={"Accept-Language": asked}).get("/")
    assert answer["Content-Language"] == language
    assert f'<html lang="{language}">' in answer.content.decode()


def test_a_language_that_was_chosen_stays(person: User, web: Client) -> None:
    web.post("/language", {"language": "sw", "next": "/history"})
    assert web.get("/")["Content-Language"] == "sw"
    person.refresh_from_db()
    assert person.language == "sw"
    web.post("/language", {"language": "xx"})
    assert web.get("/")["Content-Language"] == "sw"


# --- buying ---


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"phone": "0712"}, "Tanzanian mobile number"),
        ({"phone": "+254712345678"}, "Tanzanian mobile number"),
        ({"phone": "0620000000"}, "cannot tell"),
        ({"phone": "0754123456", "provider": "paypal"}, "valid choice"),
    ],
)
def test_what_cannot_be_paid_with_is_said_at_the_form(
    web: Client, form: dict[str, str], said: str
) -> None:
    answer = web.post(f"/bundle/{a_bundle().pk}", form)
    assert answer.status_code == 200
    assert said in text(answer)
    assert not Payment.objects.exists()


def test_the_numbers_own_provider_is_seen_and_can_be_another_before_money_is_asked_for(
    web: Client,
) -> None:
    path = f"/bundle/{a_bundle().pk}"
    form = {"phone": "0714 123 456", "provider": "", "gift_phone": "0655 123 456"}
    shown = web.post(path, form)
    assert "+255714123456 is a number of Tigo Pesa" in text(shown)
    assert not Payment.objects.exists()
    proposed = shown.context["form"]
    assert {name: proposed[name].value() for name in proposed.fields} == {
        "phone": "+255714123456",
        "provider": "tigo_pesa",
        "gift_phone": "+255655123456",
    }
    web.post(path, form | {"provider": MPESA})
    assert MobileMoneyTransaction.objects.get().provider == MPESA
    again = web.post(f"/bundle/{a_bundle(name='B').pk}", form | {"provider": "tigo_pesa"})
    assert "already has a payment request" in text(again)
    assert again.context["form"]["provider"].value() == ""


def test_what_was_typed_is_there_again_after_signing_in_once_more(
    person: User, web: Client
) -> None:
    path = f"/bundle/{a_bundle().pk}"
    came_from = {"Referer": f"http://testserver{path}", "Accept-Language": "en"}
    AuthToken.objects.all().delete()
    form = {"phone": "0754 123 456", "provider": MPESA, "gift_phone": "0655 1"}
    refused = web.post(path, form, headers=came_from)
    assert refused["Location"] == f"/login?next={quote(path, safe='')}"
    asked = text(web.get(refused["Location"], headers={"Accept-Language": "en"}))
    assert "Sign in once more" in asked
    assert "My internet" not in asked, "nobody is signed in"
    signed_in(person, web)
    assert 'value="0655 1"' in web.get(path).content.decode()
    web.post(path, form)
    assert 'value="0655 1"' not in web.get(path).content.decode()

    AuthToken.objects.all().delete()
    where = {"Referer": "http://testserver/account"}
    deed = web.post("/account/phone/verify", {"password": "x" * 5_000}, headers=where)
    assert deed["Location"] == "/login?next=%2Faccount", "a button has no page of its own"
    assert "typed" not in deed.cookies


def test_a_bundle_that_is_gone_says_so_with_a_way_back(web: Client) -> None:
    answer = web.get("/bundle/999")
    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()


def test_a_search_that_finds_nothing_leads_back(client: Client) -> None:
    a_bundle()
    assert "Nothing was found" in text(client.get("/?q=xyz", headers={"Accept-Language": "en"}))
    assert client.get("/?q=Daily&page=99").status_code == 200


def test_a_payments_page_tells_its_way_and_gives_the_configuration(paid: Payment) -> None:
    User.objects.update(language="en")
    MobileMoneyTransaction.objects.update(posted_at=paid.created_at)
    web = signed_in(paid.payer)
    shown = web.get(f"/payment/{paid.public_id}")
    for words in ("M-Pesa was asked", "TZS 1,000 arrived", "What you bought was ready"):
        assert words in text(shown)
    assert "data-live" not in shown.content.decode()
    bundle = Subscription.objects.get().bundle_id
    device = web.post(f"/internet/{bundle}/set-up")["Location"]
    assert device == f"/device/{Peer.objects.get().pk}"
    page = web.get(device)
    assert "PrivateKey" in text(page)
    assert "<svg" in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    file = web.get(f"{device}/konektika.conf")
    assert file.content.decode().startswith("[Interface]")


def test_whatever_is_somebody_elses_is_not_found(paid: Payment) -> None:
    owners = signed_in(paid.payer)
    own = Subscription.objects.get()
    gift = give_data(giver=paid.payer, subscription_id=own.pk, phone=a_phone(), data_bytes=10**9)
    owners.post("/help/receipt", {"text": "SG632NMUAB"})
    theirs = {
        "payment_id": paid.public_id,
        "peer_id": Peer.objects.get().pk,
        "session_id": Session.objects.get(token__user=paid.payer).pk,
        "bundle_id": a_bundle(owner=paid.payer).pk,
        "subscription_id": own.pk,
        "gift_id": gift.pk,
        "claim_id": ReceiptClaim.objects.get().pk,
    }
    other = signed_in(a_customer())
    for pattern in page_urlpatterns:
        names = pattern.pattern.converters
        if not names or str(pattern.name) in FOR_EVERYBODY:
            continue
        path = reverse(str(pattern.name), kwargs={name: theirs[name] for name in names})
        answers = [other.get(path).status_code, other.post(path).status_code]
        assert set(answers) <= {404, 405}, path
        assert 404 in answers, path
        found = [owners.get(path).status_code, owners.options(path).status_code]
        assert 404 not in found, path
    assert Peer.objects.get().state == "active"
    assert owners.get("/account").status_code == 200


def test_a_bundle_that_is_full_says_so_but_for_whoever_is_in_it(paid: Payment) -> None:
    Bundle.objects.filter(pk=Subscription.objects.get().bundle_id).update(max_clients=1)
    User.objects.update(language="en")
    inside, outside = signed_in(paid.payer), signed_in(a_customer())
    User.objects.update(language="en")
    assert "sold out" in text(outside.get("/"))
    assert "sold out" not in text(inside.get("/"))
    bundle = Subscription.objects.get().bundle_id
    assert "All places" in text(outside.get(f"/bundle/{bundle}"))
    assert "All places" not in text(inside.get(f"/bundle/{bundle}"))
    refused = outside.post(f"/bundle/{bundle}", {"phone": "0754123456"})
    assert "All places" in text(refused)


def test_a_picture_that_is_none_is_said_and_the_bundle_stands(person: User, web: Client) -> None:
    Owner.objects.create(person=person, state="approved", connection_gb=1_000, connection_seats=10)
    offer = {"name": "Mwenge", "price": 5_000, "data_limit_gb": 10, "duration_days": 30}
    offer |= {"max_clients": 5, "max_connections": 1}
    no_picture = SimpleUploadedFile("mwenge.png", b"<script>")
    shown = web.post("/owner/offer", {**offer, "picture": no_picture}, follow=True)
    assert "Send a picture as JPEG, PNG or WebP." in text(shown)
    assert Bundle.objects.get().name == "Mwenge"


@pytest.mark.parametrize(
    ("calls_itself", "said"),
    [
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Version/17.0 Safari/604.1", "Safari, iPhone"),
        ("Konektika 1.2", "Konektika 1.2"),
    ],
)
def test_a_browser_is_named_as_people_name_it(calls_itself: str, said: str) -> None:
    assert browser(calls_itself) == said


@pytest.mark.parametrize(
    ("minutes", "said"), [(1, "1 minute"), (59, "59 minutes"), (90, "2 hours"), (4_320, "3 days")]
)
def test_a_time_is_said_in_one_unit(minutes: int, said: str) -> None:
    assert duration(timedelta(minutes=minutes)) == said


def test_usage_and_days_left_are_shown(paid: Payment) -> None:
    User.objects.update(language="en")
    Subscription.objects.update(data_used_bytes=2 * 10**9)
    shown = text(signed_in(paid.payer).get("/internet"))
    assert "3 GB of 5 GB left" in shown
    assert "Until" in shown


def test_help_says_what_is_wrong(paid: Payment) -> None:
    User.objects.update(language="en")
    befall(paid, Finding.USED_UP)
    shown = signed_in(paid.payer).post("/help")
    assert "is used up" in text(shown)
    assert 'href="/"' in shown.content.decode()


def test_devices_are_shown_added_and_removed() -> None:
    customer = a_customer()
    pay(customer, a_bundle(max_connections=2))
    User.objects.update(language="en")
    web, bundle = signed_in(customer), Bundle.objects.get()
    set_up = f"/internet/{bundle.pk}/set-up"
    assert "Devices: 1 of 2" in text(web.get("/internet"))
    added = web.post(set_up, {"device_name": " Laptop "})["Location"]
    assert added == f"/device/{Peer.objects.get(device_name='Laptop').pk}"
    full = web.get("/internet")
    assert "Devices: 2 of 2" in text(full)
    assert "Name of another device" not in text(full)
    refused = web.post(set_up, {"device_name": "TV"})
    assert refused.status_code == 409
    assert "Remove one first" in text(refused)
    web.post(f"/device/{Peer.objects.get(device_name='phone').pk}/remove")
    shown = text(web.get("/internet"))
    assert "Laptop" in shown
    assert "Devices: 1 of 2" in shown


def test_a_subscription_is_bought_again_by_hand_or_by_itself(paid: Payment) -> None:
    User.objects.update(language="en")
    web, subscription = signed_in(paid.payer), Subscription.objects.get()
    shown = web.get("/internet").content.decode()
    again = f"/bundle/{subscription.bundle_id}"
    assert f'href="{again}"' in shown
    assert f'value="{paid.payer.phone}"' in web.get(again).content.decode()
    renewal = f"/internet/{subscription.pk}/renewal"
    assert f'action="{renewal}"' in shown
    assert web.post(renewal, {"auto_renew": "yes"})["Location"] == "/internet"
    assert "Do not buy it again by itself" in text(web.get("/internet"))
    assert signed_in(a_customer()).post(renewal, {"auto_renew": "no"}).status_code == 404
    Bundle.objects.update(price=1_500)
    Renewal.objects.update(outcome="dearer")
    assert "It costs TZS 1,500 now" in text(web.get("/internet"))
    web.post(renewal, {"auto_renew": "yes"})
    assert Renewal.objects.get().price_most == 1_500
    web.post(renewal, {"auto_renew": "no"})
    Bundle.objects.update(is_active=False)
    shown = web.get("/internet").content.decode()
    assert "Switch it on" not in shown
    assert again not in shown, "what is not sold has no page"


# --- the account ---


def test_the_account_is_changed_and_its_phone_confirmed(person: User, web: Client) -> None:
    form = {"full_name": "Asha M.", "email": person.email, "language": "en"}
    assert "It is saved." in text(web.post("/account", form, follow=True))
    assert web.post("/account/phone/verify")["Location"] == "/account/phone/code"
    wrong = web.post("/account/phone/code", {"code": "12"})
    assert "six digits" in text(wrong)
    web.post("/account/phone/code", {"code": code_on()})
    person.refresh_from_db()
    assert (person.full_name, person.is_phone_verified) == ("Asha M.", True)


def test_a_new_phone_is_confirmed_with_its_code(person: User, web: Client) -> None:
    web.post("/account/phone", {"phone": "0688123456", "password": PASSWORD})
    web.post("/account/phone/confirm", {"code": code_on("+255688123456")})
    person.refresh_from_db()
    assert person.phone == "+255688123456"


def test_a_new_password_keeps_this_browser_signed_in(person: User, web: Client) -> None:
    web.post("/account/password", {"old_password": PASSWORD, "password": "mwezi-mpya-2026"})
    assert web.get("/account").status_code == 200


def test_an_account_is_deleted(person: User, web: Client) -> None:
    assert web.post("/account/delete", {"password": "no"}).status_code == 200
    assert web.post("/account/delete", {"password": PASSWORD})["Location"] == "/"
    person.refresh_from_db()
    assert person.deleted_at is not None
    told = Message.objects.exclude(to="").values_list("message_id", flat=True)
    assert list(told) == ["account_deleted"]


# --- owners ---


def test_an_owner_applies_offers_pauses_and_reads_the_books(person: User, web: Client) -> None:
    connection = {"about": "Fibre", "connection_gb": 1_000, "connection_seats": 10}
    assert web.post("/owner", connection)["Location"] == "/owner"
    assert "waits for a decision" in text(web.get("/owner"))
    offer = {
        "name": "Mwenge",
        "description": "",
        "price": 5_000,
        "data_limit_gb": 10,
        "duration_days": 30,
        "max_clients": 5,
        "max_connections": 1,
    }
    assert "waits for a decision" in text(web.post("/owner/offer", offer))
    Owner.objects.update(state="approved")
    assert web.post("/owner/offer", offer)["Location"] == "/owner"
    bundle = Bundle.objects.get()
    too_many = web.post(f"/owner/bundle/{bundle.pk}", {**offer, "max_clients": 11})
    assert "serves 10 customers" in text(too_many)
    web.post(f"/owner/bundle/{bundle.pk}", {**offer, "price": 6_000})
    web.post(f"/owner/bundle/{bundle.pk}/sell", {"on_sale": "no"})
    bundle.refresh_from_db()
    assert (bundle.price, bundle.is_active) == (6_000, False)
    web.post("/owner/weekly", {"weekly": "yes"})
    assert Owner.objects.get().is_paid_weekly
    person.refresh_from_db()
    nothing = web.post("/owner/payout", {"amount": "700"}).content.decode()
    assert 'role="alert"' in nothing
    assert 'value="700"' in nothing


def test_an_owner_gives_a_bundle_its_picture(
    person: User, web: Client, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    Owner.objects.create(person=person, state="approved", connection_gb=900, connection_seats=90)
    bundle = a_bundle(person)
    page, given = (
        f"/owner/bundle/{bundle.pk}",
        {
            "name": bundle.name,
            "price": bundle.price,
            "data_limit_gb": 5,
            "duration_days": 1,
            "max_clients": 5,
            "max_connections": 1,
        },
    )
    no_picture = SimpleUploadedFile("mine.png", b"<svg/>")
    web.post(page, {**given, "picture": no_picture})
    assert "JPEG, PNG or WebP" in text(web.get("/owner"))
    drawn = io.BytesIO()
    Image.new("RGB", (64, 36)).save(drawn, "PNG")
    web.post(page, {**given, "picture": SimpleUploadedFile("mine.png", drawn.getvalue())})
    assert "<img" in web.get("/").content.decode()


def test_a_statement_is_of_chosen_days_and_a_file(person: User, web: Client) -> None:
    days = {"first": "2026-03-01", "last": "2026-03-31"}
    assert "01.03.2026" in text(web.get("/owner/statement", days))
    csv = web.get("/owner/statement", {**days, "form": "csv"})
    assert (
        csv["Content-Disposition"] == 'attachment; filename="statement-2026-03-01-2026-03-31.csv"'
    )
    pdf = web.get("/owner/statement", {**days, "form": "pdf"})
    assert pdf.content.startswith(b"%PDF-")
    for wrong in ({"last": "2026-02-01"}, {"first": "x"}, {"last": ""}):
        answer = web.get("/owner/statement", {**days, **wrong, "form": "csv"})
        assert 'role="alert"' in answer.content.decode()


def test_a_form_of_somebody_elses_bundle_is_not_found(web: Client) -> None:
    bundle = a_bundle().pk
    assert web.get(f"/owner/bundle/{bundle}").status_code == 404
    assert web.post(f"/owner/bundle/{bundle}/sell", {"on_sale": "no"}).status_code == 404


# --- installable, light ---


def test_the_page_can_be_installed(client: Client) -> None:
    manifest = client.get("/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    assert client.get("/worker.js")["Content-Type"].startswith("text/javascript")
    assert client.get("/offline").status_code == 200


def test_forms_need_their_token(person: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    refused = strict.post(
        "/login",
        {"email": person.email, "password": PASSWORD},
        headers={"Accept-Language": "sw"},
    )
    assert refused.status_code == 403
    assert "Hakuna kilichotumwa" in text(refused)


@pytest.mark.parametrize("path", ["/", "/internet", "/history"])
def test_pages_ask_the_database_as_often_however_much_there_is(
    paid: Payment, path: str, django_assert_max_num_queries: Any
) -> None:
    web = signed_in(paid.payer)
    web.get(path)

    def asked() -> int:
        with django_assert_max_num_queries(25) as counted:
            web.get(path)
        return len(counted)

    few = asked()
    for name in ("A", "B", "C"):
        bundle = a_bundle(name=name)
        Subscription.objects.create(
            customer=paid.payer,
            bundle=bundle,
            starts_at=timezone.now(),
            ends_at=timezone.now() + timedelta(days=1),
            data_limit_bytes=1,
            max_connections=1,
        )
    assert asked() == few
    assert settings.LANGUAGE_COOKIE_NAME


def test_a_first_visit_waits_for_nothing_but_the_page() -> None:
    a_bundle()
    visitor = Client()
    first = visitor.get("/", headers={"accept-encoding": "gzip"})
    assert first["Content-Encoding"] == "gzip"
    page = gzip.decompress(first.content).decode()
    assert "<style>:root" in page
    assert "app.css" not in page
    later = visitor.get("/").content.decode()
    assert "app.css" in later
    assert "<style>" not in later


# --- gifts ---


def link_to(phone: str) -> str:
    """The path in the last gift's SMS to a phone."""
    message = Message.objects.filter(to=phone, key__startswith="gift:").latest("id")
    return "/gift/" + str(message.context["link"]).rpartition("/")[2]


def test_a_bundle_is_bought_for_somebody_who_then_signs_up_and_is_online(
    person: User, web: Client
) -> None:
    bundle = a_bundle()
    form = {"phone": person.phone, "provider": MPESA, "gift_phone": "0655 123 456"}
    paying = web.post(f"/bundle/{bundle.pk}", form)
    hear(Payment.objects.get())
    assert "waits for whoever you gave it to" in text(web.get(paying["Location"]))
    path, newcomer = link_to("+255655123456"), Client(headers={"Accept-Language": "en"})
    assert "From Asha J." in text(newcomer.get(path))
    assert newcomer.post(path)["Location"] == f"/login?next={quote(path, safe='')}"
    new = {
        "full_name": "Neema",
        "phone": "0655 123 456",
        "email": "neema@example.test",
        "password": "kitabu-cha-2026",
        "next": path,
    }
    assert newcomer.post("/register", new)["Location"] == path
    claimed = newcomer.post(path)
    assert claimed["Location"] == f"/device/{Peer.objects.get().pk}"
    assert "[Interface]" in newcomer.get(claimed["Location"]).content.decode()
    assert "It is yours." in text(newcomer.get(path))
    shown = text(web.get(paying["Location"]))
    assert "Your gift was claimed." in shown
    assert "configuration" not in shown
    assert "claimed before" in text(web.get(path))


def test_data_is_given_away_taken_back_and_claimed_by_its_phone(person: User, web: Client) -> None:
    bundle, friend = a_bundle(), a_customer()
    pay(person, bundle)
    own = Subscription.objects.get()
    assert f"/internet/{own.pk}/give" in web.get("/internet").content.decode()
    give = f"/internet/{own.pk}/give"
    too_much = web.post(give, {"phone": friend.phone, "data_mb": "6000"})
    assert "You can give at most" in text(too_much)
    assert web.post(give, {"phone": friend.phone, "data_mb": "1000"})["Location"] == "/gifts"
    assert "1 GB" in text(web.get("/gifts"))
    first = Gift.objects.get()
    assert web.post(f"/gifts/{first.pk}/withdraw").status_code == 302
    assert "gone back" in text(web.get("/gifts"))
    web.post(give, {"phone": friend.phone, "data_mb": "1000"})
    User.objects.filter(pk=friend.pk).update(phone_verified_at=timezone.now())
    theirs = signed_in(friend)
    second = Gift.objects.get(state="offered")
    assert f"/gifts/{second.pk}/claim" in theirs.get("/gifts").content.decode()
    assert theirs.post(f"/gifts/{second.pk}/claim")["Location"].startswith("/device/")
    assert signed_in(a_customer()).get(give).status_code == 404
    assert web.get("/gift/guessed").status_code == 404
