"""Finance's day: a statement with all kinds of trouble is read, decided line by line, and closed."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import FilePayload, Page, expect

from common.clock import business_day
from payments.days.figures import figures_of
from payments.days.tills import till_of
from payments.models import Bucket, Match, Payment, StatementFile, StatementLine
from payments.services.import_statement import read_statement
from payments.services.match.run import match_statements
from payments.states import State
from payments.tests.statement_files import PREAMBLE, TILL, as_csv
from tests.browser.looks import look_at
from tests.browser.staff import SignIn
from tests.browser.staff import browser as browser
from tests.browser.staff import no_worker as no_worker
from tests.browser.staff import sign_in as sign_in
from tests.browser.troubled_day import MPESA, Day, first_told, trouble

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_worker"),
]

FINANCE = "finance"


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

    match_statements()
    assert StatementLine.objects.filter(bucket=Bucket.MATCHED).count() == 4
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
    assert match_statements().is_whole
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
    file = FilePayload(name=name, mimeType="text/csv", buffer=content)
    page.set_input_files("[name=content]", files=[file])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator(".story-state")).to_have_text("Waiting to be read")
    read_statement(file_id=StatementFile.objects.latest("pk").pk)
    expect(page.locator(".story-state")).not_to_have_text("Waiting to be read")
