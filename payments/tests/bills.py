"""Bills as the providers send them, and whom their references mean in payments' own tests."""

from __future__ import annotations

import json
import re
from typing import Any

from defusedxml.ElementTree import fromstring
from django.test import Client

from accounts.models import User
from payments.bills import Payable, Resolver
from payments.tests.conftest import SECRET_PATH
from payments.tests.providers.contract import PAYLOADS

COMPANY = "600100"
SHORT_CODE = "174379"
TXNID = "BP140218.1240.B01530"
REFERENCE = "12345674"
TIGO_W2A = f"/api/webhooks/in/{SECRET_PATH}/w2a"
TIGO_OPEN = "/api/webhooks/tigo-pesa/w2a"


def knows(customer: User, *, subject: str = "thing:1", amount: int | None = 5000) -> Resolver:
    """A resolver that knows REFERENCE."""

    def resolve(reference: str) -> Payable | None:
        if reference != REFERENCE:
            return None
        name = customer.short_name
        return Payable(payer_id=customer.pk, name=name, subject=subject, amount=amount)

    return resolve


def lookup(**changes: str) -> bytes:
    return _document("bill_lookup.xml", changes)


def payment(**changes: str) -> bytes:
    return _document("bill_payment.xml", changes)


def ask(body: bytes, path: str = TIGO_W2A, **headers: Any) -> dict[str, str]:
    """Tigo's question and the fields of the answer."""
    answer = Client().post(path, body, content_type="text/xml", **headers)
    assert answer.status_code == 200, answer.status_code
    return {str(field.tag): field.text or "" for field in fromstring(answer.content)}


def c2b(**changes: Any) -> dict[str, Any]:
    """Daraja's validation and its confirmation look the same."""
    return {
        "TransactionType": "Pay Bill",
        "TransID": "RKTQDM7W6S",
        "TransTime": "20261125160000",
        "TransAmount": "5000.00",
        "BusinessShortCode": SHORT_CODE,
        "BillRefNumber": REFERENCE,
        "OrgAccountBalance": "49197.00",
        "MSISDN": "2557 ***** 126",
        "FirstName": "ASHA",
        "LastName": "JUMA",
        **changes,
    }


def validate(path: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    answer = Client().post(path, json.dumps(c2b(**changes)), content_type="application/json")
    return answer.status_code, answer.json() if answer.content else {}


def _document(name: str, changes: dict[str, str]) -> bytes:
    document = (PAYLOADS / "tigo_pesa" / name).read_text()
    for tag, value in {"CUSTOMERREFERENCEID": REFERENCE, **changes}.items():
        document = re.sub(f"<{tag}>.*?</{tag}>", f"<{tag}>{value}</{tag}>", document)
    return document.encode()
