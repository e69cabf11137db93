"""Every path of the API, without a token, with somebody else's, and with one's own."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from payments.tests.factories import a_customer
from tests.architecture.paths import METHODS, blank, described, filled, mapped
from tests.mobile_contract.app import signed_in
from tests.mobile_contract.shapes import assert_error
from tests.mobile_contract.somebody import with_everything

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = {
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/password/reset",
    "/api/auth/password/reset/confirm",
    "/api/bundles",
    "/api/bundles/{}",
    "/api/bundles/search",
    "/api/payments/providers",
    "/api/payments/providers/predict",
}
DOCUMENTS = {"/api/schema", "/api/docs"}


def test_every_path_is_described_and_every_description_has_a_path() -> None:
    rest = {path for path in mapped() if not path.startswith("/api/webhooks/")} - DOCUMENTS
    assert {blank(path) for path in described()} == rest


def test_no_path_ends_in_a_slash() -> None:
    assert [path for path in mapped() if path.endswith("/")] == []


def test_without_a_token_only_the_open_paths_answer() -> None:
    nobody = APIClient()
    for path, operations in described().items():
        for method in METHODS:
            response = getattr(nobody, method)(filled(path), {}, format="json")
            if response.status_code < 400:
                assert blank(path) in OPEN, f"{method} {path} is open"
                continue
            assert_error(response, response.status_code)
            assert response.status_code < 500
            if method in operations and blank(path) not in OPEN:
                assert response.status_code == 401, f"{method} {path}"


@pytest.fixture
def owned() -> tuple[User, dict[str, Any]]:
    return with_everything()


@pytest.mark.parametrize("role", ["customer", "owner", "staff"])
def test_anybody_elses_object_is_not_found_by_any_method(
    owned: tuple[User, dict[str, Any]], role: str
) -> None:
    _, names = owned
    other = a_customer()
    other.role = role
    other.save()
    app, tried = signed_in(other), 0
    for path, operations in described().items():
        if "{" not in path or blank(path) in OPEN:
            continue
        for method in operations:
            response = getattr(app, method)(filled(path, **names), {}, format="json")
            assert response.status_code == 404, f"{method} {path} as {role}"
            assert_error(response, 404)
            tried += 1
    assert tried >= 5


def test_ones_own_objects_are_found(owned: tuple[User, dict[str, Any]]) -> None:
    """Else the test above would prove nothing."""
    customer, names = owned
    app = signed_in(customer)
    for path, operations in described().items():
        if "{" in path and blank(path) not in OPEN and "get" in operations:
            assert app.get(filled(path, **names)).status_code == 200, path
