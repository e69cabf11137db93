"""Requests made from the OpenAPI document, well-formed and not: each answer is as it describes."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import one_of, sampled_from
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi import checks

from konektika.wsgi import application
from tests.architecture.paths import described, openapi_document
from tests.mobile_contract.app import token_of
from tests.mobile_contract.somebody import with_everything

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 16
OPERATIONS = [(path, method) for path, item in described().items() for method in item]
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# What no chance finds, beside what is somebody's own.
RIGHT: dict[str, Any] = {
    "days": 7,
    "limit": 10,
    "page": 1,
    "first": "2026-11-01",
    "last": "2026-11-26",
    "q": "Daily",
    "phone_number": "0754123456",
    "phone": "0754123456",
    "email": "neema@example.test",
    "full_name": "Neema Mteja",
    "password": "not-a-secret-1",
    "old_password": "not-a-secret-1",
    "new_password": "another-secret-2",
    "user_type": "client",
    "provider": "auto",
    "receipt": "SG632NMUAC",
    "payment_method": "auto",
    "price": 5_000,
    "data_limit_gb": 5,
    "data_mb": 100,
    "duration_days": 7,
    "max_clients": 5,
    "max_connections": 1,
}
# What needs a code from an SMS, a file, or money that is owed; and what an owner may not.
NEVER_GRANTED = {
    ("/api/auth/password/reset/confirm", "post"),
    ("/api/users/phone/verify/confirm", "post"),
    ("/api/users/phone/change/confirm", "post"),
    ("/api/users/delete", "post"),
    ("/api/owner/apply", "post"),
    ("/api/owner/payouts", "post"),
    ("/api/owner/bundles/{bundle_id}/picture", "post"),
    ("/api/payments/credit/return", "post"),
}


@pytest.fixture(scope="session")
def document() -> Any:
    """What is served as the document, but that no answer may have more names than it."""
    load_all_checks()
    strict: Any = schemathesis.openapi.from_dict(_closed(openapi_document()))
    strict.app = application
    return strict


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_answer_is_as_the_document_says(
    transactional_db: None, document: Any, path: str, method: str
) -> None:
    person, theirs = with_everything()
    token, right = token_of(person), RIGHT | theirs
    right |= {
        "/api/auth/login": {"email": person.email},
        "/api/bundles/{id}": {"id": theirs["bought_id"]},
        "/api/vpn/generate-config": {"bundle_id": theirs["bought_id"]},
        "/api/gifts/claim": {"token": theirs["token"]},
    }.get(path, {})
    operation = document[path][method]
    requests = one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])
    granted = 0

    @given(request=requests, is_right=sampled_from([True, False]))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def answers(request: Any, is_right: bool) -> None:
        nonlocal granted
        if is_right:
            for given in (request.path_parameters, request.query, request.body):
                _put_right(given, right)
        response = request.call(headers={"Authorization": f"Bearer {token}"})
        request.validate_response(response, checks=CHECKS)
        granted += response.status_code < 400

    answers()
    assert granted or (path, method) in NEVER_GRANTED


def _closed(schema: Any) -> Any:
    """The schema with every object closed to names that it does not have."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


def _put_right(given: Any, right: dict[str, Any]) -> None:
    """What was made up by chance gives way to what is there."""
    if isinstance(given, dict):
        given.update({name: value for name, value in right.items() if name in given})
