"""Requests made from the OpenAPI document, well-formed and not: none may end in a server error."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import one_of
from schemathesis import GenerationMode

from bundles.tests.factories import a_bundle
from konektika.wsgi import application
from payments.tests.factories import a_customer
from tests.architecture.paths import described
from tests.mobile_contract.app import token_of
from vpn.tests.factories import first_gateway

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 25
OPERATIONS = [(path, method) for path, item in described().items() for method in item]


@pytest.fixture
def token(transactional_db: None) -> str:
    first_gateway()
    a_bundle()
    return token_of(a_customer())


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_breaks_the_server(token: str, path: str, method: str) -> None:
    document = schemathesis.openapi.from_wsgi("/api/schema", application)
    operation = document[path][method]
    requests = one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @given(request=requests)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def answers(request: Any) -> None:
        response = request.call(headers={"Authorization": f"Bearer {token}"})
        assert response.status_code < 500, response.text

    answers()
