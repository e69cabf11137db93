"""All of a customer on one page, and what is wrong in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from backoffice.models import Note
from backoffice.tests.test_search import signed_in
from backoffice.tests.test_transfers import send
from bundles.models import Subscription
from cases.services import open_case
from common import phone as phones
from common.shown_phone import IN_SESSION
from notifications.models import Message
from payments.models import Payment
from payments.tests.factories import a_customer
from vpn.diagnosis import Finding
from vpn.tests.ailments import WRONG, befall

pytestmark = pytest.mark.django_db(transaction=True)


def path_of(user: User, verb: str = "change") -> str:
    return f"/admin/accounts/user/{user.pk}/{verb}/"


def read(client: Client, user: User) -> str:
    answer = client.get(path_of(user))
    assert answer.status_code == 200
    return answer.content.decode()


def test_one_page_tells_all(staff: Client, paid: Payment) -> None:
    open_case(kind="paid_twice", subject=f"payment:{paid.public_id}")
    shown = read(staff, paid.payer)
    for fact in (
        str(paid.payer.phone),
        paid.payer.email,
        "Daily Bundle",
        "0 B of 5 GB used",
        "59\xa0minutes left",
        "phone</a>, active: ",
        "never connected",
        "MFS777",
        "All payments",
        "Paid twice",
        "[one-time link]",
    ):
        assert fact in shown, fact
    assert Message.objects.get(message_id="vpn_ready").context["link"] not in shown


def test_it_costs_the_same_however_much_there_is(
    staff: Client, paid: Payment, django_assert_max_num_queries: Any
) -> None:
    read(staff, paid.payer)
    with django_assert_max_num_queries(40) as once:
        read(staff, paid.payer)
    for number in range(3):
        Payment.objects.create(
            payer=paid.payer, subject=f"purchase:{900 + number}", amount=1, payment_method="credit"
        )
        subscription = Subscription.objects.get(live_bundle__isnull=False)
        subscription.pk, subscription.state = None, "ended"
        subscription.save()
        Note.objects.create(
            subject=f"customer:{paid.payer_id}", text="x", author=paid.payer, key=str(number)
        )
    with django_assert_max_num_queries(len(once)):
        read(staff, paid.payer)


def test_who_may_only_read_reads_it_and_its_number_is_masked(paid: Payment) -> None:
    auditor = signed_in(role="auditor")
    shown = read(auditor, paid.payer)
    assert str(paid.payer.phone) not in shown
    assert phones.mask(str(paid.payer.phone)) in shown
    assert "Add a note" not in shown
    assert "show-phone" not in shown
    assert auditor.post(path_of(paid.payer, "show-phone")).status_code == 403
    assert auditor.post(path_of(paid.payer), {"email": "a@b.test"}).status_code == 403


def test_people_are_listed_with_masked_numbers(paid: Payment) -> None:
    phone = str(paid.payer.phone)
    for role, is_whole in (("support", False), ("administrator", True)):
        shown = signed_in(role=role).get("/admin/accounts/user/").content.decode()
        assert (phone in shown) == is_whole
        assert phones.mask(phone) in shown or is_whole


def test_support_has_a_number_shown_and_it_is_logged(paid: Payment) -> None:
    support = signed_in(role="support")
    phone = str(paid.payer.phone)
    assert phone not in read(support, paid.payer)
    assert support.get(path_of(paid.payer, "show-phone")).status_code == 405
    assert LogEntry.objects.count() == 0
    answer = support.post(path_of(paid.payer, "show-phone"), {"next": "//evil.test/"})
    assert answer["Location"] == path_of(paid.payer)
    assert phone in read(support, paid.payer)
    entry = LogEntry.objects.get()
    assert (entry.change_message, entry.object_id) == (
        "Showed the phone number",
        str(paid.payer_id),
    )
    other = a_customer()
    assert str(other.phone) not in read(support, other)
    session = support.session
    session[IN_SESSION] = {str(paid.payer_id): 1.0}
    session.save()
    assert phone not in read(support, paid.payer)


def test_a_note_is_kept_once_and_never_changed(paid: Payment) -> None:
    support = signed_in(role="support")
    send(support, path_of(paid.payer, "note"), why="Called twice, is in Dodoma.")
    note = Note.objects.get()
    assert note.subject == f"customer:{paid.payer_id}"
    assert "Called twice, is in Dodoma." in read(support, paid.payer)
    answer = support.post(path_of(paid.payer, "note"), {"why": "again", "key": note.key})
    assert answer.status_code == 302
    assert Note.objects.get().text == "Called twice, is in Dodoma."
    note.text = "no"
    with pytest.raises(TypeError):
        note.save()


def test_a_note_holds_no_card_number(paid: Payment) -> None:
    support = signed_in(role="support")
    shown = send(support, path_of(paid.payer, "note"), why="pays by 4111 1111 1111 1111")
    assert "number of a bank card" in shown
    assert not Note.objects.exists()


def test_only_who_may_do_everything_gives_that_to_others(paid: Payment) -> None:
    administrator = signed_in(role="administrator")
    boss = User.objects.create_superuser("boss@example.test", "x", full_name="Boss")
    assert administrator.post(path_of(boss, "password"), {}).status_code in (403, 404)
    assert 'name="is_superuser"' not in read(administrator, paid.payer)
    assert 'name="groups"' in read(administrator, paid.payer)
    themselves = User.objects.get(pk=administrator.session["_auth_user_id"])
    assert 'name="groups"' not in read(administrator, themselves)
    for role, is_told in (("administrator", True), ("support", False), ("auditor", False)):
        assert ("algorithm" in read(signed_in(role=role), paid.payer)) is is_told, role
    root = Client()
    root.force_login(boss)
    assert 'name="groups"' in read(root, boss)


def test_staff_read_one_language_whatever_their_browser_asks_for(staff: Client) -> None:
    answer = staff.get(path_of(a_customer()), headers={"accept-language": "sw"})
    assert '<html lang="en"' in answer.content.decode()
    assert "Hifadhi" not in answer.content.decode()


# What is wrong


@pytest.mark.parametrize("finding", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(
    staff: Client, paid: Payment, finding: Finding
) -> None:
    befall(paid, finding)
    assert 'class="story-next"' in read(staff, paid.payer)


def test_who_has_paid_nothing_is_asked_for_the_receipt(staff: Client) -> None:
    customer = a_customer()
    assert "search for it or for the receipt" in read(staff, customer)
