"""Requests made from the OpenAPI document, well-formed and not: none may end in a server error."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance

from bundles.tests.factories import a_bundle
from konektika.wsgi import application
from payments.tests.factories import a_customer
from tests.mobile_contract.app import token_of
from vpn.services.seed import ensure_first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 15


@pytest.fixture
def document(transactional_db: None) -> Any:
    ensure_first_gateway()
    a_bundle()
    return schemathesis.openapi.from_wsgi("/api/schema", application)


@pytest.fixture
def token(transactional_db: None) -> str:
    return token_of(a_customer())


api = schemathesis.pytest.from_fixture("document")


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_request_breaks_the_server(case: Any, token: str) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"},
        checks=[not_a_server_error, content_type_conformance],
    )
