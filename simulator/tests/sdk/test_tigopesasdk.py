"""tigopesasdk, a client of Tigo Pesa's push BillPay, against the simulator."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from simulator.tests.conftest import Merchant, Simulator

with warnings.catch_warnings(action="ignore"):
    import flask
    import flask_restful
    import tigopesasdk

PAYS = "255714000001"
DECLINES = "255714000004"
NOT_REGISTERED = "255714000020"


class Heard(tigopesasdk.CallbackHandler):  # type: ignore[misc]  # published without types
    """Keeps the callbacks as the client reads them."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def respond(self, request: Any) -> Any:
        self.requests.append(request)
        return tigopesasdk.CallbackResponse(
            "BILLER-18-0000-S", True, "Callback successful", request.reference_id
        )


@pytest.fixture
def tigo(simulator: Simulator) -> Any:
    config = tigopesasdk.Config(
        username="fake-user",
        password="fake-password",
        account_name="KONEKTIKA",
        account_msisdn="255710000100",
        brand_id="",
        biller_code="KNK",
        token_url=f"{simulator.url}/tigo/token",
        biller_payment_url=f"{simulator.url}/tigo/API/BillerPayment/BillerPay",
    )
    return tigopesasdk.TigoClient(config, Heard())


def bill(tigo: Any, phone: str, reference: str = "") -> Any:
    reference = reference or f"KNK{uuid4().hex[:12]}"
    return tigo.bill(tigopesasdk.BillPayRequest(phone, 1000, "Konektika", reference))


def read(tigo: Any, body: bytes) -> Any:
    """A callback as the client's own Flask resource reads it."""
    app = flask.Flask("merchant")
    flask_restful.Api(app).add_resource(
        tigopesasdk.FlaskCallbackHandler,
        "/callback",
        resource_class_kwargs={"responder": tigo.callback_handler},
    )
    answer = app.test_client().post("/callback", data=body, content_type="application/json")
    assert answer.status_code == 200
    return tigo.callback_handler.requests[-1]


@pytest.mark.parametrize(("phone", "is_paid"), [(PAYS, True), (DECLINES, False)])
def test_a_push_is_accepted_and_told(
    tigo: Any, merchant: Merchant, phone: str, is_paid: bool
) -> None:
    accepted = bill(tigo, phone)
    assert (accepted.response_status, accepted.response_code) == (True, "BILLER-18-0000-S")
    (heard,) = merchant.wait_for(1)
    told = read(tigo, heard["raw"])
    assert (told.status, told.reference_id) == (is_paid, accepted.reference_id)
    assert bool(told.mfs_transaction_id) == is_paid
    assert told.amount == "1000"


def test_refusals_are_answered_with_their_codes(tigo: Any) -> None:
    refused = bill(tigo, NOT_REGISTERED)
    assert (refused.response_status, refused.response_code) == (False, "DebitMandate-10-2005-E")
    again = bill(tigo, PAYS)
    assert again.response_status
    assert bill(tigo, PAYS, again.reference_id).response_code == "DebitMandate-10-2020-V"


def test_a_wrong_password_gets_no_token(tigo: Any) -> None:
    tigo.config = replace(tigo.config, password="wrong")
    assert tigo.generate_token() is None
    assert bill(tigo, PAYS) is None
