"""Whatever goes wrong, the app reads one shape."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.mobile_contract.shapes import assert_error

pytestmark = pytest.mark.django_db(transaction=True)

MALFORMED = [b"{", b"", b"[1, 2", b"\xff\xfe", b"null", b"[]", b'"text"', b"1", b"{'a': 1}"]
DEEP = b"[" * 10_000


@pytest.mark.parametrize("body", [*MALFORMED, pytest.param(DEEP, id="deep")])
@pytest.mark.parametrize(
    "path", ["/api/payments/initiate", "/api/vpn/generate-config", "/api/auth/login"]
)
def test_malformed_json(app: APIClient, path: str, body: bytes) -> None:
    assert_error(app.post(path, body, content_type="application/json"), 400)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
def test_another_content_type(app: APIClient, content_type: str) -> None:
    response: Any = app.post("/api/payments/initiate", b"x", content_type=content_type)
    assert_error(response, 415)


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/payments/", "/api/bundles/"])
def test_a_path_that_is_none(app: APIClient, path: str) -> None:
    assert_error(app.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/payments/initiate"),
        ("delete", "/api/bundles"),
        ("put", "/api/auth/login"),
        ("patch", "/api/payments/history"),
        ("post", "/api/vpn/configs"),
    ],
)
def test_a_method_that_is_none(app: APIClient, method: str, path: str) -> None:
    assert_error(getattr(app, method)(path), 405)


def test_a_trailing_slash_is_another_path(app: APIClient) -> None:
    assert_error(app.get("/api/payments/history/"), 404)


@pytest.mark.parametrize("wanted", ["text/html", "application/xml", "*/*", "nonsense"])
def test_whatever_the_app_says_it_accepts_it_gets_json(app: APIClient, wanted: str) -> None:
    response = app.get("/api/bundles", headers={"Accept": wanted})
    assert response["Content-Type"].startswith("application/json")
    assert "success" in response.json()
