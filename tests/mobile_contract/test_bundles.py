"""The catalogue."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bundles.models import Bundle
from bundles.services.seed import seed_catalogue
from bundles.tests.factories import a_bundle
from tests.mobile_contract.shapes import (
    BUNDLE,
    PAGINATION,
    assert_error,
    assert_shape,
    assert_success,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_catalogue_is_the_standard_one(app: APIClient) -> None:
    seed_catalogue()
    bundles = assert_success(app.get("/api/bundles"))["bundles"]
    assert [
        (each["name"], each["data_limit_gb"], each["duration_days"], each["price"])
        for each in bundles
    ] == [
        ("Daily Bundle", 5, 1, 1_000),
        ("Weekly Bundle", 20, 7, 3_000),
        ("Monthly Bundle", 100, 30, 17_000),
        ("Premium 3-Month", 500, 90, 45_000),
    ]
    assert [Bundle.objects.get(pk=each["id"]).max_clients for each in bundles] == [50, 50, 50, 30]
    for each in bundles:
        assert_shape(each, BUNDLE)


def test_a_list_has_its_pages(app: APIClient) -> None:
    for number in range(3):
        a_bundle(name=f"Bundle {number}")
    data = assert_success(app.get("/api/bundles?page=2&limit=2"))
    assert len(data["bundles"]) == 1
    assert_shape(data["pagination"], PAGINATION)
    assert data["pagination"] == {
        "current_page": 2,
        "total_pages": 2,
        "total_items": 3,
        "items_per_page": 2,
    }


@pytest.mark.parametrize("query", ["page=0", "page=99", "page=x", "limit=0", "limit=x", "limit=-1"])
def test_a_page_that_cannot_be_is_no_server_error(app: APIClient, query: str) -> None:
    a_bundle()
    assert app.get(f"/api/bundles?{query}").status_code in (200, 400, 404)


def test_a_page_has_at_most_a_hundred(app: APIClient) -> None:
    data = assert_success(app.get("/api/bundles?limit=5000"))
    assert data["pagination"]["items_per_page"] == 100


def test_one_bundle(app: APIClient, bundle: Bundle) -> None:
    shown = assert_success(app.get(f"/api/bundles/{bundle.pk}"))["bundle"]
    assert_shape(shown, BUNDLE)
    assert shown["id"] == bundle.pk


def test_searching(app: APIClient) -> None:
    a_bundle(name="Weekend Bundle")
    a_bundle(name="Daily Bundle", description="for a weekend or not")
    a_bundle(name="Monthly Bundle")
    found = assert_success(app.get("/api/bundles/search?q=weekend"))["bundles"]
    assert [each["name"] for each in found] == ["Weekend Bundle", "Daily Bundle"]


@pytest.mark.parametrize("pk", ["999999", "999999999999999999999", "abc", "0"])
def test_a_bundle_that_is_not_there(app: APIClient, pk: str) -> None:
    assert_error(app.get(f"/api/bundles/{pk}"), 404)


def test_a_bundle_off_sale_is_not_shown(app: APIClient) -> None:
    hidden = a_bundle(is_active=False)
    assert_error(app.get(f"/api/bundles/{hidden.pk}"), 404)
    assert assert_success(app.get("/api/bundles"))["bundles"] == []
