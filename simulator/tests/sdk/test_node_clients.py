"""Clients from npm against the simulator: mpesa-node, @openpesa/pesa-js, airtel-money-node-sdk."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import requests

from simulator.tests.conftest import Merchant, Simulator
from simulator.tests.sdk import initiator
from simulator.tests.sdk.node_clients import NodeClient, Refused, installed

PAYS = "255754000001"
NO_FUNDS = "255754000003"


@pytest.fixture(scope="module")
def modules() -> Path:
    return installed()


class TestMpesaNode:
    """Safaricom's own library for Daraja."""

    @pytest.fixture
    def mpesa(self, simulator: Simulator, modules: Path, tmp_path: Path) -> NodeClient:
        settings = {
            "consumerKey": "fake-key",
            "consumerSecret": "fake-secret",
            "lipaNaMpesaShortCode": "600100",
            "lipaNaMpesaShortPass": "fake-passkey",
            "shortCode": "600100",
            "initiatorName": initiator.NAME,
            "securityCredential": initiator.PASSWORD,
            "certPath": str(initiator.public_key_file(simulator.url, tmp_path)),
        }
        return NodeClient("mpesa-node.cjs", simulator.url, settings, modules)

    @pytest.mark.parametrize(("phone", "code"), [(PAYS, "0"), (NO_FUNDS, "1")])
    def test_a_payment_is_accepted_and_found(
        self, mpesa: NodeClient, merchant: Merchant, phone: str, code: str
    ) -> None:
        # Its own description is longer than the 13 characters of fact sheet 2.2.
        accepted = mpesa.call(
            "lipaNaMpesaOnline", phone, 1000, f"{merchant.url}/stk", "REF1", "Konektika"
        )
        assert accepted["ResponseCode"] == "0"
        merchant.wait_for(1)
        found = mpesa.call("lipaNaMpesaQuery", accepted["CheckoutRequestID"])
        assert found["ResultCode"] == code

    def test_a_refusal_is_raised(self, mpesa: NodeClient, merchant: Merchant) -> None:
        with pytest.raises(Refused, match="400") as refused:
            mpesa.call("lipaNaMpesaOnline", PAYS, 0, f"{merchant.url}/stk", "REF1", "Konektika")
        assert refused.value.answer["errorMessage"] == "Bad Request - Invalid Amount"

    def test_money_is_sent_asked_about_and_taken_back(
        self, mpesa: NodeClient, simulator: Simulator, merchant: Merchant
    ) -> None:
        urls = (f"{merchant.url}/timeout", f"{merchant.url}/result")
        assert mpesa.call("b2c", "600100", PAYS, 1000, *urls)["ResponseCode"] == "0"
        assert merchant.wait_for(1)[0]["body"]["Result"]["ResultCode"] == 0
        mpesa.call("lipaNaMpesaOnline", PAYS, 1000, f"{merchant.url}/stk", "REF1", "Konektika")
        merchant.wait_for(2)
        receipt = simulator.truth()["movements"][0]["receipt"]
        mpesa.call("transactionStatus", receipt, "600100", "4", *urls)
        status = merchant.wait_for(3)[2]["body"]["Result"]
        assert status["ResultCode"] == 0
        assert mpesa.call("reversal", receipt, 1000, *urls)["ResponseCode"] == "0"
        assert merchant.wait_for(4)[3]["body"]["Result"]["ResultCode"] == "0"
        outgoing = simulator.truth()["outgoing"]
        assert [each["type"] for each in outgoing] == ["disbursement", "reversal"]


class TestPesaJs:
    """A client of M-Pesa's Open API. Its b2c and reverse post to the path of c2b: they are no use."""

    @pytest.fixture
    def pesa(self, simulator: Simulator, modules: Path) -> NodeClient:
        return self.client(simulator, modules)

    def client(
        self, simulator: Simulator, modules: Path, api_key: str = "fake-api-key"
    ) -> NodeClient:
        keys = requests.get(f"{simulator.url}/control/keys", timeout=5).json()
        settings = {"api_key": api_key, "public_key": keys["MPESA_OPENAPI_PUBLIC_KEY"]}
        return NodeClient("pesa-js.cjs", simulator.url, settings, modules)

    def order(self, phone: str) -> dict[str, str]:
        return {
            "input_Amount": "1000",
            "input_Country": "TZN",
            "input_Currency": "TZS",
            "input_CustomerMSISDN": phone,
            "input_ServiceProviderCode": "000000",
            "input_ThirdPartyConversationID": uuid4().hex,
            "input_TransactionReference": "REF1",
            "input_PurchasedItemsDesc": "Konektika",
        }

    def test_a_payment_succeeds_and_is_found(self, pesa: NodeClient, simulator: Simulator) -> None:
        order = self.order(PAYS)
        paid = pesa.call("c2b", order)
        assert (paid["status"], paid["output_ResponseCode"]) == (200, "INS-0")
        assert paid["output_TransactionID"] == simulator.truth()["movements"][0]["receipt"]
        question = {**order, "input_QueryReference": order["input_ThirdPartyConversationID"]}
        found = pesa.call("query", question)
        assert (found["status"], found["output_ResponseTransactionStatus"]) == (200, "Completed")

    def test_a_refusal_is_answered_with_its_code(self, pesa: NodeClient) -> None:
        refused = pesa.call("c2b", self.order(NO_FUNDS))
        assert (refused["status"], refused["output_ResponseCode"]) == (422, "INS-2006")

    def test_a_wrong_key_opens_no_session(self, simulator: Simulator, modules: Path) -> None:
        stranger = self.client(simulator, modules, api_key="wrong")
        with pytest.raises(Refused, match="400") as refused:
            stranger.call("get_session")
        assert refused.value.answer["output_ResponseCode"] == "INS-989"


class TestAirtelMoneyNodeSdk:
    """A client of Airtel Money's collection: it pays and asks until it knows."""

    @pytest.fixture
    def airtel(self, simulator: Simulator, modules: Path) -> NodeClient:
        settings = {
            "CLIENT_ID": "fake-id",
            "CLIENT_SECRET": "fake-secret",
            "GRANT_TYPE": "client_credentials",
            "COUNTRY": "TZ",
            "CURRENCY": "TZS",
            "DEFAULT_MAX_RETRIES": "5",
            "DEFAULT_POLLING_INTERVAL_MS": "100",
        }
        return NodeClient("airtel-money.cjs", simulator.url, settings, modules)

    def test_a_payment_is_found_paid(self, airtel: NodeClient, simulator: Simulator) -> None:
        found = airtel.call("initiateAirtelPayment", 1000, "684000001", "Konektika")
        (moved,) = simulator.truth()["movements"]
        assert found["data"]["transaction"]["airtel_money_id"] == moved["receipt"]

    def test_a_failed_payment_is_an_error(self, airtel: NodeClient, simulator: Simulator) -> None:
        with pytest.raises(Refused, match="max retries"):
            airtel.call("initiateAirtelPayment", 1000, "684000002", "Konektika")
        assert simulator.truth()["movements"] == []
