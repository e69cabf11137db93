"""No list tells by its query string what its pages do not show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import DateTimeField, Model
from django.test import Client

from accounts.models import User
from cases.subjects import subject_of
from notifications.models import Message
from payments.models import DayClose, Payment

# Days are a page of their own, which reads nothing of the query string but its number.
SITE = [model for model in admin.site._registry if model is not DayClose]
LOOKUPS = ("regex", "startswith", "contains", "year", "gt", "id__regex")


@pytest.fixture
def root(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.test", "x", full_name="Root"))
    return client


def list_of(model: type[Model]) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def filters_of(client: Client, model: type[Model]) -> list[Any]:
    answer: Any = client.get(list_of(model))
    assert answer.status_code == 200
    return list(answer.context["cl"].filter_specs)


def is_refused(answer: Any) -> bool:
    if answer.status_code == 302:
        return str(answer.headers["Location"]).endswith("?e=1")
    return bool(answer.status_code == 400)


@pytest.mark.parametrize("model", SITE, ids=str)
def test_no_column_is_compared_by_a_query_string(model: type[Model], root: Client) -> None:
    sent = {name for each in filters_of(root, model) for name in each.expected_parameters()}
    for field in model._meta.concrete_fields:
        for lookup in LOOKUPS:
            if (name := f"{field.name}__{lookup}") not in sent:
                answer = root.get(list_of(model), {name: "1"})
                assert is_refused(answer), f"{name}: {answer.status_code}"


def test_a_hidden_column_is_not_even_compared_whole(staff: Client, paid: Payment) -> None:
    token = paid.attempts.get().callback_token
    for name in ("callback_token", "callback_token__exact", "callback_token__iexact"):
        answer = staff.get("/admin/payments/mobilemoneytransaction/", {name: token})
        assert is_refused(answer), name


def test_every_choice_of_a_filter_is_allowed(staff: Client, paid: Payment) -> None:
    for model in SITE:
        answer: Any = staff.get(list_of(model))
        changelist = answer.context["cl"]
        for each in changelist.filter_specs:
            for choice in each.choices(changelist):
                if query := choice.get("query_string"):
                    assert staff.get(f"{list_of(model)}{query}").status_code == 200, query


@pytest.mark.parametrize(
    "link",
    [
        "payments/payment/?payer__id__exact=1",
        "payments/statementline/?file__id__exact=1&balance_breaks__exact=1",
        "payments/faultyrow/?file__id__exact=1",
        "vpn/peer/?gateway__id__exact=1",
        "cases/case/?kind__exact=underpaid",
        "payments/payment/?id=1",
        "payments/payment/?pk__exact=1",
    ],
)
def test_the_links_of_our_pages_are_allowed(link: str, root: Client) -> None:
    assert root.get(f"/admin/{link}").status_code == 200


@pytest.mark.parametrize("query", ["id=abc", "pk=1,2", "pk=99999999999999999999", "pk__exact=²"])
def test_a_primary_key_that_is_none_is_no_error(query: str, root: Client) -> None:
    for model in SITE:
        assert root.get(f"{list_of(model)}?{query}").status_code in (200, 302)


def test_a_link_in_a_message_is_not_searched_for(staff: Client, paid: Payment) -> None:
    told = Message.objects.exclude(text="").order_by("-pk")[0]
    answer: Any = staff.get(list_of(Message), {"q": told.text[:12]})
    assert list(answer.context["cl"].result_list) == []
    answer = staff.get(list_of(Message), {"q": told.to})
    assert told in answer.context["cl"].result_list


@pytest.mark.parametrize(
    "query",
    [
        "{0}_from=0001-01-01&{0}_to=9999-12-31",
        "{0}_from=9999-12-31&{0}_to=0001-01-01",
        "{0}__gte=0001-01-01 00:00:00%2B03:00",
        "{0}__lt=9999-12-31 23:59:59-03:00",
    ],
)
def test_no_day_is_too_far(query: str, staff: Client, paid: Payment) -> None:
    for model in SITE:
        for field in model._meta.concrete_fields:
            if isinstance(field, DateTimeField):
                answer = staff.get(f"{list_of(model)}?{query.format(field.name)}")
                assert answer.status_code in (200, 302, 400), f"{list_of(model)}: {field.name}"


def test_every_payment_is_between_the_farthest_days(
    listed: Callable[..., list[Payment]], paid: Payment
) -> None:
    assert listed(created_at_from="0001-01-01", created_at_to="9999-12-31") == [paid]
    assert listed(created_at_from="9999-12-31") == listed(created_at_to="0001-01-01") == []


@pytest.mark.parametrize("key", ["abc", "²", "1.5", "99999999999999999999", "-1"])
def test_a_verb_of_no_row_is_not_found(key: str, root: Client) -> None:
    for model, model_admin in admin.site._registry.items():
        for verb in model_admin._get_base_actions_detail():  # type: ignore[attr-defined]  # unfold's
            answer = root.get(f"{list_of(model)}{key}/{verb.path}/")
            assert answer.status_code in (403, 404), f"{list_of(model)}: {verb.path}"


@pytest.mark.parametrize("query", ["foo=1", "created_at__gte=x"])
def test_an_export_by_no_filter_goes_back_to_the_list(query: str, root: Client) -> None:
    answer = root.get(f"/admin/payments/payment/export/?{query}")
    assert is_refused(answer)


def test_a_form_sends_no_key_that_is_no_number(staff: Client) -> None:
    for text in ("²", "٣", "9" * 30, "9" * 5000):
        body = {"action": "resolve_many", "_selected_action": text, "key": "k", "why": "x"}
        assert staff.post("/admin/cases/case/", body).status_code < 500
        assert staff.post("/admin/cases/case/next/", {"after": text}).status_code < 500
        assert subject_of(f"peer:{text}") is not None
