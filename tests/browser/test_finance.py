"""Finance's day: a statement with all kinds of trouble is read, decided line by line, and closed."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import buy, hear
from common.clock import business_day, day_bounds
from payments.days.figures import figures_of
from payments.days.tills import till_of
from payments.models import Match, Payment, ProviderName, StatementFile
from payments.providers.base import Outcome, Reason
from payments.services.import_statement import read_statement
from payments.services.match.run import match_statements
from payments.services.record import record_move
from payments.services.record_bank import Movement, record_bank
from payments.states import State
from payments.tests.factories import a_customer
from payments.tests.statement_files import PREAMBLE, TILL, as_csv
from tests.browser.looks import look_at
from tests.browser.portal import Portal, told_otherwise
from tests.browser.staff import SignIn
from tests.browser.staff import browser as browser
from tests.browser.staff import sign_in as sign_in
from vpn.tests.factories import first_gateway

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OPENING = 100_000
MPESA = ProviderName.VODACOM_MPESA
FINANCE = "finance"


class Day:
    """What the books and the provider know of one day, each with its trouble."""

    def __init__(self, day: date) -> None:
        self.day = day
        begins, _ = day_bounds(day)
        self._at = begins + timedelta(hours=10)
        self.portal = Portal(OPENING, (self._at + timedelta(hours=3)).replace(tzinfo=None))
        first_gateway()
        self.bundles = {price: a_bundle(price=price) for price in (1000, 1540, 60_000)}
        with time_machine.travel(begins - timedelta(hours=5), tick=False):
            record_bank(
                movement=Movement.TOP_UP,
                provider=MPESA,
                amount=OPENING,
                reference="OPENING",
                note="Before",
            )

    def next(self) -> None:
        """The statement goes on with a purchase of the day after."""
        self._at += timedelta(days=1)
        self.portal.at += timedelta(days=1)
        payment = self.order("QK10000020")
        reference = payment.attempts.get().reference
        self.portal.line("QK10000020", 1000, **{"A/C No.": reference})

    def order(
        self,
        receipt: str = "",
        *,
        price: int = 1000,
        customer: User | None = None,
        phone: str = "",
        outcome: Outcome | None = Outcome.SUCCEEDED,
    ) -> Payment:
        """A purchase, and what became of it half a minute later; None leaves it to expire."""
        self._at += timedelta(minutes=2)
        with time_machine.travel(self._at, tick=False) as clock:
            payment = buy(customer or a_customer(), self.bundles[price], phone)
            clock.shift(30)
            if outcome is None:
                expire(payment)
            else:
                reason = Reason.DECLINED if outcome == Outcome.FAILED else None
                hear(payment, outcome, receipt=receipt or None, reason=reason)
        return payment


def expire(payment: Payment) -> None:
    with transaction.atomic():
        attempt = payment.attempts.get()
        record_move(payment, attempt, State.EXPIRED, source="system")
    payment.refresh_from_db()


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs: the test reads and matches where a worker would."""
    from payments import tasks

    for task in (tasks.read_statement, tasks.match_statement_lines, tasks.push):
        monkeypatch.setattr(task, "apply_async", lambda *_, **__: None)


def trouble(day: Day) -> dict[str, Payment]:
    """The day's purchases, and the statement's lines of them, in the provider's order."""
    portal, shop = day.portal, "+255754999001"
    paid = {
        "plain": day.order("QK10000001"),
        "receipt typo": day.order("QKlOOLL002"),
        "reference typo": day.order(),
        "swapped digits": day.order("QK10000004", price=1540),
        "unreadable": day.order("QK10000005"),
        "same minute": day.order(phone=shop),
        "same minute too": day.order(phone=shop),
        "on no statement": day.order("QK10000008"),
        "taken back": day.order("QK10000009"),
        "failed here": day.order(price=60_000, outcome=Outcome.FAILED),
        "late": day.order(outcome=None),
        "pending there": day.order("QK10000012"),
    }
    ours = {name: payment.attempts.get().reference for name, payment in paid.items()}
    portal.line("QK10000001", 1000, **{"A/C No.": ours["plain"]})
    portal.rows.append(portal.rows[-1])  # a twin
    portal.line("QK10000001", -20, written="(20.00)", **{"Reason Type": "Pay Bill Charge"})
    portal.line("QK1001L002", 1000, **{"A/C No.": ours["receipt typo"]})
    misread = ours["reference typo"].replace("0", "O").replace("1", "I").replace("5", "S")
    portal.line("QK10000003", 1000, Details=f"Pay Bill Acc. {misread[:6]} {misread[6:]}")
    portal.line("QK10000004", 1450, **{"A/C No.": ours["swapped digits"]})
    portal.line("QK10000005", 1000, **{"A/C No.": ours["unreadable"]})
    for receipt in ("QK10000006", "QK10000007"):
        portal.line(receipt, 1000, **{"Other Party Info": f"{shop[1:]} - DUKA LA MAMA"})
    portal.line("QK10000009", 1000, **{"A/C No.": ours["taken back"]})
    back = {"Reason Type": "Reversal of Pay Bill", "Linked Transaction ID": "QK10000009"}
    portal.line("QK10000010", -1000, **back)
    portal.line("QK10000011", 60_000, **{"A/C No.": ours["failed here"]})
    portal.line("QK10000013", 1000, **{"A/C No.": ours["late"]})
    portal.line("QK10000014", 1000, **{"A/C No.": ours["plain"]})  # paid twice
    portal.line("QK10000015", 3000, **{"Other Party Info": "255754999002 - NO ORDER"})
    portal.line("QK10000016", 2000, **{"Other Party Info": "25575***003 - MASKED"})
    portal.line("QK10000017", -5000, **{"Reason Type": "Organization Settlement to Bank"})
    portal.line("QK10000012", 1000, **{"A/C No.": ours["pending there"]})
    return paid


def first_told(rows: list[list[str]]) -> list[list[str]]:
    """As the portal had it at first: one amount is spoilt, the last line waits."""
    spoilt = told_otherwise(rows, "QK10000005", **{"Paid In": "1,0O0.00"})
    pending = {"Transaction Status": "Pending", "Balance": ""}
    return told_otherwise(spoilt, "QK10000012", **pending)


# Which line is decided how: by the link on its page, and whose order its money is given to.
DECISIONS: dict[str, tuple[str, str]] = {
    "QK1001L002": ("Confirm", ""),
    "QK10000006": ("Match", ""),
    "QK10000007": ("Match", ""),
    "QK10000013": ("Accept as paid", ""),
    "QK10000014": ("Give to a customer", "plain"),
    "QK10000015": ("Give to a customer", "late"),
    "QK10000016": ("Give to a customer", "plain"),
}

# Why the books and the statement differ when the day is closed, TZS. What was accepted or given to a
# customer is booked today, and the day that it came on waits for that.
NAMED = sorted(
    [
        ("Another amount on the statement than booked", -90),
        ("Booked, on no statement", -1000),
        ("On the statement, not booked", -1000),
        *(
            ("Booked on another day than the provider has it", amount)
            for amount in (60_000, 1000, 1000, 3000, 2000)
        ),
    ]
)


def test_a_statement_with_trouble_is_decided_and_its_day_closed(sign_in: SignIn) -> None:
    day = Day(business_day(timezone.now()) - timedelta(days=2))
    paid = trouble(day)
    asha, juma = sign_in("Asha", FINANCE), sign_in("Juma", FINANCE)

    elsewhere = [*PREAMBLE[:1], ("Short code:", "600200")]
    upload(asha, "wrong-till.csv", as_csv(day.portal.rows, preamble=elsewhere))
    expect(asha.locator(".story")).to_contain_text("says that the file is of 600200")
    look_at(asha, "file-refused")

    upload(asha, "first.csv", as_csv(first_told(day.portal.rows)))
    told = asha.locator(".story-head")
    for fact in ("Read", "16 lines", "1 row", "100,000 → 169,430", "does not follow in 1 line"):
        expect(told).to_contain_text(fact)
    look_at(asha, "file-read")
    told.get_by_role("link", name="1 row").click()
    expect(asha.locator("#result_list")).to_contain_text("“1,0O0.00” is no amount")

    assert match_statements().matched == 5
    asha.goto("/admin/payments/match/")
    for rule in ("Our reference in the details", "Receipt"):
        expect(asha.locator("#result_list")).to_contain_text(rule)
    look_at(asha, "matches")
    asha.goto("/admin/cases/case/")
    look_at(asha, "cases")

    for receipt, (verb, whose) in DECISIONS.items():
        to_the_line(asha, receipt)
        if receipt in ("QK1001L002", "QK10000006", "QK10000015"):
            look_at(asha, f"line-{receipt}")
        asha.get_by_role("link", name=verb, exact=True).last.click()
        if whose:
            asha.get_by_label("Customer").fill(paid[whose].payer.email)
        asha.get_by_label("Reason").fill(f"{receipt} is theirs")
        if receipt in ("QK10000013", "QK10000015"):
            look_at(asha, f"confirm-{receipt}")
        asha.locator(".confirm button").click()
        expect(asha.locator(".story-state")).to_have_text("Matched")
        expect(asha.locator(".story-moments")).to_contain_text(f"{receipt} is theirs")

    to_the_line(asha, "QK10000011")
    asha.get_by_role("link", name="Accept as paid", exact=True).last.click()
    answer(asha, "Accept as paid", "the customer has the SMS")
    expect(asha.locator(".story-state")).to_have_text("Suggested")
    assert Payment.objects.get(pk=paid["failed here"].pk).state == State.FAILED
    asha.get_by_role("link", name="Confirm", exact=True).click()
    answer(asha, "Confirm", "I am sure")
    expect(asha.locator(".errorlist")).to_contain_text("Somebody else has to confirm")
    look_at(asha, "confirm-refused")
    match_statements()
    to_the_line(juma, "QK10000011")
    juma.get_by_role("link", name="Confirm", exact=True).click()
    answer(juma, "Confirm", "seen in the portal")
    expect(juma.locator(".story-state")).to_have_text("Matched")
    assert Payment.objects.get(pk=paid["failed here"].pk).disposition == "fulfilled"

    day.next()
    upload(asha, "second.csv", as_csv(day.portal.rows))
    for fact in ("2 lines", "Told otherwise1", "Faultynone", "follows in every line"):
        expect(told).to_contain_text(fact)
    assert match_statements()
    for kind in ("Rows that could not be read", "A row is missing on the statement"):
        asha.goto("/admin/cases/case/?q=first.csv")
        asha.get_by_role("link", name=kind).last.click()
        asha.get_by_role("link", name="Resolve").first.click()
        answer(asha, "Resolve", "the second file has it")
        expect(asha.locator(".story")).to_contain_text("Resolved: the second file has it")

    close_and_reopen(asha, juma, day)


def close_and_reopen(asha: Page, juma: Page, day: Day) -> None:
    """What the books and the statement differ by is named, certified and locked, until two open it."""
    asha.goto("/admin/payments/dayclose/")
    look_at(asha, "days")
    page = f"/admin/payments/dayclose/{MPESA}/collection/{day.day}/"
    asha.locator(f"a[href='{page}']").click()
    expect(asha.locator(".story-state").first).to_have_text("Ready")
    look_at(asha, "day-ready")
    asha.get_by_role("link", name="Close the day").click()
    asha.get_by_label("Remark").fill("Two with the provider")
    look_at(asha, "day-confirm")
    asha.get_by_role("button", name="Close the day").click()
    expect(asha.locator(".story-state").first).to_have_text("Closed")
    expect(asha.get_by_role("link", name="Close the day")).to_have_count(0)
    look_at(asha, "day-closed")
    told = csv_of(asha)
    assert ["Statement 600100", "100000", "170430"] in told
    assert sorted((why, int(amount)) for why, _, _, amount in differences_in(told)) == NAMED
    figures = figures_of(till_of(MPESA, "collection"), day.day)
    assert figures.closing - figures.ledger_closing == sum(amount for _, amount in NAMED)
    assert ["Listed", "", "", str(figures.closing - figures.ledger_closing)] in told
    assert ["Unexplained", "", "", "0"] in told
    with asha.expect_download() as download:
        asha.get_by_role("link", name="PDF").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")

    match = Match.objects.get(line__receipt="QK10000015", is_live=True)
    juma.goto(f"/admin/payments/match/{match.pk}/undo/")
    answer(juma, "Undo", "not hers")
    expect(juma.locator(".errorlist")).to_contain_text("business day is closed")

    asha.goto(page)
    asha.get_by_role("link", name="Open it again").click()
    answer(asha, "Ask for it", "the reversal is booked now")
    asha.get_by_role("link", name="Decide").click()
    answer(asha, "Decide", "I say so myself")
    expect(asha.locator(".errorlist")).to_contain_text("A second person has to decide")
    juma.goto(page)
    look_at(juma, "day-asked")
    juma.get_by_role("link", name="Decide").click()
    answer(juma, "Decide", "right")
    expect(juma.locator(".story-state").first).to_have_text("Ready")
    expect(juma.locator(".story")).to_contain_text("Version 1, by Asha")


def csv_of(page: Page) -> list[list[str]]:
    """The certificate, as it is taken away."""
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    return list(csv.reader(text.splitlines()))


def differences_in(told: list[list[str]]) -> list[list[str]]:
    begins = told.index(["Difference", "What", "Case", "Amount"]) + 1
    return told[begins : next(place for place, row in enumerate(told) if row[:1] == ["Listed"])]


def to_the_line(page: Page, receipt: str) -> None:
    """From the work queue over the case to its line."""
    page.goto(f"/admin/cases/case/?q={receipt}")
    page.locator("#result_list tbody a").first.click()
    page.get_by_role("link", name=f"Statement line {receipt}").click()
    expect(page.locator(".story-head").first).to_contain_text(receipt)


def answer(page: Page, verb: str, why: str) -> None:
    page.get_by_label("Reason").fill(why)
    page.get_by_role("button", name=verb, exact=True).click()


def upload(page: Page, name: str, content: bytes) -> None:
    """Upload a file, and see its page tell of its reading by itself."""
    page.goto("/admin/payments/statementfile/add/")
    page.get_by_label("Till or short code").fill(TILL)
    file = {"name": name, "mimeType": "text/csv", "buffer": content}
    page.set_input_files("[name=content]", files=[file])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator(".story-state")).to_have_text("Waiting to be read")
    read_statement(file_id=StatementFile.objects.latest("pk").pk)
    expect(page.locator(".story-state")).not_to_have_text("Waiting to be read")
