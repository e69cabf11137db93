"""What managers see: by each filter, as a file, at what cost, and who may."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from backoffice.dashboard.charts import CHARTS, Chart
from backoffice.rollups.days import recompute_measures
from backoffice.rollups.run import rebuild, roll_up
from backoffice.tests.test_rollups import BEGINNING, History, a_line
from bundles.models import Bundle
from bundles.owner_figures import earnings_of
from bundles.services.earn import release_earnings
from bundles.services.pay_owners import ask_payout
from bundles.tests.factories import a_bundle
from bundles.tests.test_buy_and_activate import pay
from cases.models import Case, CaseKind
from common.clock import business_day
from payments.models import Bucket, ProviderName
from payments.tests.factories import a_customer, an_owner
from payments.tests.outgoing import FakeProvider, sent
from payments.tests.outgoing import provider as provider
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/dashboard/"
DAY = business_day(BEGINNING)


@pytest.fixture
def at_the_time() -> Any:
    with time_machine.travel(BEGINNING, tick=False) as clock:
        yield clock


@pytest.fixture
def sold(transactional_db: None, at_the_time: Any) -> History:
    """A day's payments: three by Tigo Pesa, of which one is served and one has failed; one by Airtel."""
    history = History()
    for method, bundle in (
        (ProviderName.TIGO_PESA, 1),
        (ProviderName.TIGO_PESA, 1),
        (ProviderName.TIGO_PESA, 0),
        (ProviderName.AIRTEL_MONEY, 1),
    ):
        history.begin(method, bundle)
    history.change(0, "complete", 1300)
    history.change(0, "fulfil", 1)
    history.change(0, "connect", 1)
    history.change(1, "fail", 0)
    Case.objects.create(kind=CaseKind.UNDERPAID, subject="payment:x", amount=700)
    a_line(Bucket.MATCHED, 1000)
    a_line(Bucket.PAID_NO_ORDER, 400)
    a_line(Bucket.OWN_MOVEMENT, -9000)
    at_the_time.shift(60)
    roll_up()
    recompute_measures(DAY)
    return history


def charts(client: Client, **chosen: Any) -> dict[str, Chart]:
    answer: Any = client.get(PAGE, chosen)
    assert answer.status_code == 200
    return {chart.key: chart for chart in answer.context["charts"]}


def row(chart: Chart, name: str) -> dict[str, Any]:
    return next(
        dict(zip(chart.header, each, strict=True)) for each in chart.rows if each[0] == name
    )


@pytest.mark.usefixtures("sold")
def test_each_chart_tells_its_figures(staff: Client) -> None:
    told = charts(staff)
    assert row(told["success"], "22:00")["Tigo Pesa begun"] == 3
    assert row(told["success"], "22:00")["Tigo Pesa %"] == 33
    only, *_ = json.loads(told["success"].data)["datasets"]
    assert only["pointRadius"] > 0, "the one point of a line would not be seen"
    assert told["failures"].rows == [["wrong pin", 1, 1]]
    assert [each[1] for each in told["funnel"].rows] == [4, 3, 1, 1, 1]
    assert row(told["preference"], "Tigo Pesa")["% of all"] == 75
    assert row(told["preference"], "Tigo Pesa")["Failed"] == 1
    day = row(told["money"], "01.03.2026")
    assert (day["Paid, TZS"], day["Credited, TZS"], day["Refunded, TZS"]) == (1300, 400, 0)
    assert row(told["times"], "01.03.2026")["Prompt to paid, half"] == 1
    assert row(told["matching"], "01.03.2026")["% matched"] == 50
    assert row(told["matching"], "01.03.2026")["Not matched, TZS"] == 400
    assert row(told["exceptions"], "Paid less than the price")["under a day"] == 1
    assert row(told["stake"], "01.03.2026")["At stake, TZS"] == 700
    assert row(told["subscriptions"], "01.03.2026")["Active"] == 1
    assert row(told["traffic"], "01.03.2026")["Sold, MB"] == 1000
    assert [each[2] for each in told["gateways"].rows] == ["Silent"]
    assert row(told["providers"], "tigo_pesa")["State"] == "In order, as far as is known"


def test_the_filters_choose(staff: Client, sold: History) -> None:
    def begun(**chosen: Any) -> int:
        return int(charts(staff, **chosen)["funnel"].rows[0][1] or 0)

    assert begun(provider="airtel_money") == 1
    assert begun(bundle=sold.bundles[1].pk) == 3
    assert begun(provider="tigo_pesa", bundle=sold.bundles[1].pk) == 2
    assert begun(period="year") == begun(period="month") == begun(period="today") == 4
    assert begun(period="days", since="2026-02-01", until="2026-02-28") == 0
    assert begun(period="days", since="2026-03-01", until="2026-03-01") == 4


def test_an_owner_is_their_bundles(staff: Client, sold: History) -> None:
    """Whatever can be narrowed by one bundle; with another bundle of theirs, both are counted."""
    first, second = sold.bundles
    of_one = {key: chart.rows for key, chart in charts(staff, bundle=second.pk).items()}
    owner = second.owner
    assert {key: chart.rows for key, chart in charts(staff, owner=owner.pk).items()} == of_one
    assert charts(staff, owner=owner.pk, provider="airtel_money")["funnel"].rows[0][1] == 1
    Bundle.objects.filter(pk=first.pk).update(owner=owner)
    rebuild(since=DAY, until=DAY)
    of_both = charts(staff, owner=f"{owner} ({owner.pk})")
    assert of_both["funnel"].rows[0][1] == 4
    assert charts(staff, owner=owner.pk, bundle=first.pk)["funnel"].rows[0][1] == 1


def test_an_owner_is_found_by_name_and_their_bundles_alone_are_offered(
    staff: Client, sold: History
) -> None:
    first, second = sold.bundles
    User.objects.filter(pk=first.owner_id).update(full_name="Asha Mushi")
    User.objects.filter(pk=second.owner_id).update(full_name="Asha Komba")
    answer: Any = staff.get(PAGE, {"owner": "asha m"})
    assert answer.context["chosen"].owner == first.owner
    assert f'value="Asha Mushi ({first.owner_id})"' in answer.content.decode()
    offered = answer.context["form"].fields["bundle"].choices
    assert [key for key, _ in offered] == ["", first.pk]
    several: Any = staff.get(PAGE, {"owner": "ASHA", "provider": "tigo_pesa"})
    assert "Several are named so. Which one?" in several.content.decode()
    link = f'href="?owner={first.owner_id}&amp;provider=tigo_pesa"'
    assert link in several.content.decode()
    assert several.context["chosen"].owner is None


def test_owners_cost_as_many_queries_however_many_they_are(staff: Client, sold: History) -> None:
    taken = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            staff.get(PAGE, {"owner": "Customer"})
        taken.append(len(queries))
        for _ in range(25):
            a_bundle()
    assert taken[0] == taken[1] < 25


def test_an_owner_and_somebody_elses_bundle_do_not_fit(staff: Client, sold: History) -> None:
    first, second = sold.bundles
    answer: Any = staff.get(PAGE, {"owner": first.owner_id, "bundle": second.pk})
    assert f"Bundle: It is none of {first.owner} ({first.owner_id})." in answer.content.decode()
    assert answer.context["chosen"].bundle is None


def test_what_owners_earn_is_what_the_ledger_has(
    staff: Client, at_the_time: Any, provider: FakeProvider
) -> None:
    """Sold on the first day, delivered and in part paid out on the fourth; beside another's sale."""
    first_gateway()
    owner = an_owner()
    pay(a_customer(), a_bundle(owner, price=5_000))
    pay(a_customer(), a_bundle(price=1_000))
    for wait in (3, 1):
        at_the_time.shift(timedelta(days=wait))
        release_earnings()
    sent(ask_payout(person=owner, amount=1_500))
    rebuild(since=DAY)
    period: dict[str, Any] = {"period": "days", "since": "2026-03-02", "until": "2026-03-05"}
    told = charts(staff, owner=owner.pk, **period)
    assert [each[1:] for each in told["earnings"].rows] == [
        [4_500, 0, 0],
        [4_500, 0, 0],
        [0, 4_500, 0],
        [0, 3_000, 1_500],
    ]
    found = earnings_of(owner.pk)
    assert [found.held, found.earned, found.paid_out] == [0, 3_000, 1_500]
    assert charts(staff, **period)["earnings"].rows[-1][1:] == [0, 3_900, 1_500]
    of_first = charts(staff, owner=owner.pk, period="days", since=DAY, until=DAY)
    assert of_first["shares"].rows == [["01.03.2026", 4_500, 500, 0]]


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"period": "days"}, "Say from which day to which."),
        ({"period": "days", "since": "2026-03-02", "until": "2026-03-01"}, "Choose 1 to 366 days"),
        ({"period": "days", "since": "2020-03-02", "until": "2026-03-01"}, "Choose 1 to 366 days"),
        ({"provider": "cash"}, "Select a valid choice"),
        ({"bundle": "x"}, "Select a valid choice"),
        ({"owner": "nobody"}, "Owner: Nobody with bundles is named so"),
        ({"owner": "9" * 18}, "Owner: Nobody with bundles is named so"),
    ],
)
def test_what_cannot_be_chosen_is_told_and_the_usual_days_are_shown(
    staff: Client, chosen: dict[str, str], sentence: str
) -> None:
    answer: Any = staff.get(PAGE, chosen)
    assert sentence in answer.content.decode()
    assert answer.context["chosen"].until == date(2026, 3, 1)


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("key", list(CHARTS))
def test_the_file_is_what_the_page_shows(staff: Client, sold: History, key: str) -> None:
    owner = sold.bundles[1].owner_id
    chosen = {"provider": "tigo_pesa", "period": "month", "owner": str(owner)}
    shown = charts(staff, **chosen)[key]
    answer: Any = staff.get(f"{PAGE}{key}.csv", chosen)
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    header, *rows = csv.reader(io.StringIO(text))
    assert header == list(shown.header)
    assert rows == [["" if each is None else str(each) for each in row] for row in shown.rows]


@pytest.mark.usefixtures("sold")
def test_the_page_links_the_file_of_what_it_shows(staff: Client) -> None:
    answer = staff.get(PAGE, {"provider": "tigo_pesa"})
    assert f'{PAGE}funnel.csv?provider=tigo_pesa"' in answer.content.decode()


def test_there_is_no_file_of_a_chart_that_there_is_not(staff: Client) -> None:
    assert staff.get(f"{PAGE}nothing.csv").status_code == 404


def test_nothing_at_all_is_said_so(staff: Client) -> None:
    told = charts(staff)
    assert [key for key, chart in told.items() if not chart.is_empty] == ["providers"]
    assert told["exceptions"].empty.startswith("Not counted yet")
    recompute_measures(business_day(timezone.now()))
    assert charts(staff)["exceptions"].empty == "No case was open."


@pytest.mark.parametrize(
    ("role", "status"),
    [("manager", 200), ("auditor", 200), ("administrator", 200), ("support", 403), ("", 403)],
)
def test_who_may_see_it(client: Client, role: str, status: int) -> None:
    person = User.objects.create_user("who@example.test", "x", full_name="Who", is_staff=True)
    if role:
        Group.objects.get(name=role).user_set.add(person)
    client.force_login(person)
    assert client.get(PAGE).status_code == status
    assert client.get(f"{PAGE}funnel.csv").status_code == status
    assert (PAGE in client.get("/admin/").content.decode()) == (status == 200)


def test_the_permission_alone_is_enough(client: Client) -> None:
    person = User.objects.create_user("who@example.test", "x", full_name="Who", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_dashboard"))
    client.force_login(person)
    assert client.get(PAGE).status_code == 200


def test_who_is_not_signed_in_is_asked_to(client: Client) -> None:
    answer = client.get(PAGE)
    assert answer.status_code == 302
    assert "/admin/login/" in answer.headers["Location"]


def test_a_year_takes_as_many_queries_as_a_day(staff: Client, sold: History) -> None:
    taken = []
    for period in ("today", "year"):
        with CaptureQueriesContext(connection) as queries:
            staff.get(PAGE, {"period": period})
        taken.append(len(queries))
        for method in ProviderName.values:
            sold.begin(method, 0)
            sold.change(-1, "fail", 1)
        roll_up()
    assert taken[0] == taken[1]
    assert taken[0] < 20
