"""Airtel beyond the push: refund, disbursement, look-ups and signed messages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simulator.airtel_money.collection import hashed
from simulator.airtel_money.signing import is_signed
from simulator.keys import KeyPair
from simulator.tests import clients
from simulator.tests.conftest import Merchant, Simulator

PAYEE = "684123456"
PAYS = "684000001"
AES_KEY, IV = bytes(range(32)), bytes(range(16))


def collected(simulator: Simulator, merchant: Merchant, reference: str = "OURID1") -> str:
    clients.airtel_pay(simulator.url, PAYS, id=reference)
    merchant.wait_for(len(merchant.heard) + 1)
    receipt: str = simulator.truth()["movements"][-1]["receipt"]
    return receipt


def state_of(simulator: Simulator, reference: str) -> str:
    found = clients.airtel_enquiry(simulator.url, reference)
    return str(found["data"]["transaction"]["status"])


def code_of(answer: requests.Response) -> str:
    return str(answer.json()["status"]["response_code"])


def payout_state(simulator: Simulator, reference: str, version: str = "v2") -> dict[str, Any]:
    path = f"standard/{version}/disbursements/{reference}?transactionType=B2C"
    return clients.airtel_get(simulator.url, path)


def signed_headers(
    public: rsa.RSAPublicKey, body: bytes, *, is_gcm: bool = False
) -> dict[str, str]:
    """A message's signature, by the steps of fact sheet 4."""
    if is_gcm:
        encrypted = AESGCM(AES_KEY).encrypt(IV, body, None)
    else:
        padder = padding.PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(AES_KEY), modes.CBC(IV)).encryptor()
        encrypted = encryptor.update(padder.update(body) + padder.finalize())
    secret = b":".join(map(base64.b64encode, (AES_KEY, IV)))
    scheme = rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return {
        "x-signature": base64.b64encode(encrypted).decode(),
        "x-key": base64.b64encode(public.encrypt(secret, scheme)).decode(),
        **({"v2-padding": "true"} if is_gcm else {}),
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_refund_gives_everything_back_once(
    simulator: Simulator, merchant: Merchant, version: str
) -> None:
    receipt = collected(simulator, merchant)
    answer = clients.airtel_refund(simulator.url, receipt, version).json()
    assert answer["data"]["transaction"]["status"] == "SUCCESS"
    assert state_of(simulator, "OURID1") == "TR"
    again = clients.airtel_refund(simulator.url, receipt, version).json()
    assert again["status"]["result_code"] == "ESB000011"
    (moved,) = simulator.truth()["outgoing"]
    assert (moved["type"], moved["amount"]) == ("refund", -1000)
    assert moved["receipt"] == answer["data"]["transaction"]["airtel_money_id"]
    assert simulator.truth()["wallets"][f"255{PAYS}"] == 200_000


def test_a_refund_wants_a_known_id(simulator: Simulator) -> None:
    for receipt, code in (("", "ESB000008"), ("MP1.2.L3", "ESB000045")):
        answer = clients.airtel_refund(simulator.url, receipt).json()
        assert answer["status"]["result_code"] == code


def test_success_may_lie(simulator: Simulator, merchant: Merchant) -> None:
    simulator.configure(airtel_money={"success_lies": True})
    receipt = collected(simulator, merchant)
    enquiry = clients.airtel_enquiry(simulator.url, "OURID1")
    assert (enquiry["data"]["transaction"]["status"], enquiry["status"]["success"]) == ("TS", False)
    refund = clients.airtel_refund(simulator.url, receipt).json()
    assert (refund["data"]["transaction"]["status"], refund["status"]["success"]) == (
        "SUCCESS",
        False,
    )


def test_a_reversal_by_the_provider_is_seen_in_the_enquiry(
    simulator: Simulator, merchant: Merchant
) -> None:
    receipt = collected(simulator, merchant)
    url = f"{simulator.url}/control/reverse"
    for status in (200, 409):
        assert requests.post(url, json={"receipt": receipt}, timeout=5).status_code == status
    assert requests.post(url, json={"receipt": "NEVER1"}, timeout=5).status_code == 404
    assert state_of(simulator, "OURID1") == "TR"


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_a_payout_is_done_at_once(simulator: Simulator, version: str) -> None:
    answer = clients.airtel_disburse(simulator.url, PAYEE, version, id="OUT01").json()
    transaction = answer["data"]["transaction"]
    assert (transaction["status"], answer["status"]["response_code"]) == ("TS", "DP00900001001")
    (moved,) = simulator.truth()["outgoing"]
    assert moved["receipt"] == transaction["reference_id"]
    found = payout_state(simulator, "OUT01", version)
    assert found["data"]["transaction"]["status"] == "TS"


@pytest.mark.parametrize(
    "code", ["1003", "1004", "1005", "1007", "1009", "1010", "1012", "1013", "1019"]
)
def test_each_refusal_has_a_payee(simulator: Simulator, code: str) -> None:
    answer = clients.airtel_disburse(simulator.url, f"68490{code}", id="OUT01")
    assert answer.status_code == 200
    assert code_of(answer) == f"DP0090000{code}"
    assert answer.json()["status"]["success"] is False
    assert payout_state(simulator, "OUT01")["data"]["transaction"]["status"] == "TF"
    assert simulator.truth()["outgoing"] == []


@pytest.mark.parametrize(
    ("phone", "transaction", "code"),
    [
        ("0684123456", {}, "1013"),
        (PAYEE, {"type": "GIFT"}, "1013"),
        (PAYEE, {"id": "a b c d"}, "1013"),
        (PAYEE, {"amount": 0}, "1004"),
        (PAYEE, {"amount": 5_000_001}, "1004"),
        ("684000020", {}, "1012"),
    ],
)
def test_a_wrong_field_has_its_code(
    simulator: Simulator, phone: str, transaction: dict[str, Any], code: str
) -> None:
    answer = clients.airtel_disburse(simulator.url, phone, **transaction)
    assert code_of(answer) == f"DP0090000{code}"


def test_a_payouts_id_counts_once_and_a_stranger_is_not_found(simulator: Simulator) -> None:
    clients.airtel_disburse(simulator.url, PAYEE, id="OUT01")
    again = clients.airtel_disburse(simulator.url, PAYEE, id="OUT01")
    assert code_of(again) == "DP00900001011"
    assert len(simulator.truth()["outgoing"]) == 1
    missing = payout_state(simulator, "NEVER1")
    assert missing["status"]["response_code"] == "DP00900001015"


def test_an_empty_float_pays_nobody(simulator: Simulator) -> None:
    simulator.configure(merchant_float=999)
    assert code_of(clients.airtel_disburse(simulator.url, PAYEE)) == "DP00900001007"


@pytest.mark.parametrize(
    ("ending", "status", "code", "end"),
    [
        ("000051", "TA", "1000", "TS"),
        ("000052", "TA", "1000", "TF"),
        ("000057", "TIP", "1006", "TS"),
    ],
)
def test_what_is_not_known_yet_is_found_by_asking(
    simulator: Simulator, ending: str, status: str, code: str, end: str
) -> None:
    answer = clients.airtel_disburse(simulator.url, f"684{ending}", id="OUT01")
    assert answer.json()["data"]["transaction"]["status"] == status
    assert code_of(answer) == f"DP0090000{code}"
    assert payout_state(simulator, "OUT01")["data"]["transaction"]["status"] == end


@pytest.mark.parametrize(("pin", "code"), [("9999", "ROUTER115"), ("nonsense", "ROUTER116")])
def test_the_pin_is_checked(simulator: Simulator, pin: str, code: str) -> None:
    answer = clients.airtel_disburse(simulator.url, PAYEE, pin=pin)
    assert answer.json()["status_code"] == code


def test_a_pin_must_be_there_and_may_be_padded_by_oaep(simulator: Simulator, key: KeyPair) -> None:
    public = serialization.load_der_public_key(base64.b64decode(key.public_text))
    assert isinstance(public, rsa.RSAPublicKey)
    scheme = rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    good = base64.b64encode(public.encrypt(b"1234", scheme)).decode()
    for pin, status in ((good, "TS"), ("", "ROUTER114")):
        body = {
            "payee": {"msisdn": PAYEE},
            "reference": "Konektika",
            "pin": pin,
            "transaction": {"amount": 1000, "id": f"PIN{status}"},
        }
        answer = requests.post(
            f"{simulator.url}/standard/v1/disbursements/",
            json=body,
            headers=clients.airtel_headers(simulator.url),
            timeout=5,
        ).json()
        assert status in (answer.get("status_code"), _status(answer))


def _status(answer: dict[str, Any]) -> str:
    return str(answer.get("data", {}).get("transaction", {}).get("status"))


def test_who_a_number_is_and_what_the_merchant_has(simulator: Simulator) -> None:
    user = clients.airtel_get(simulator.url, f"standard/v1/users/{PAYEE}")
    assert user["data"]["msisdn"] == PAYEE
    nobody = clients.airtel_get(simulator.url, "standard/v1/users/684000020")
    assert nobody["status"]["success"] is False
    clients.airtel_disburse(simulator.url, PAYEE)
    for path, balance in (
        ("v1/users/balance", "0"),
        ("v2/users/balance?type=DISB", "9999000"),
        ("v2/users/balance?type=COLL", "0"),
    ):
        found = clients.airtel_get(simulator.url, f"standard/{path}")
        assert found["data"]["balance"] == balance


@pytest.mark.parametrize("is_gcm", [False, True])
def test_signed_messages_are_checked_with_the_published_key(
    simulator: Simulator, merchant: Merchant, is_gcm: bool
) -> None:
    simulator.configure(airtel_money={"message_signing": True})
    published = clients.airtel_get(simulator.url, "v1/rsa/encryption-keys")["data"]["key"]
    public = serialization.load_der_public_key(base64.b64decode(published))
    assert isinstance(public, rsa.RSAPublicKey)
    body = json.dumps(
        {
            "reference": "Konektika",
            "subscriber": {"msisdn": PAYS},
            "transaction": {"amount": 1000, "id": "SIGNED1"},
        }
    ).encode()
    headers = clients.airtel_headers(simulator.url) | signed_headers(public, body, is_gcm=is_gcm)
    url = f"{simulator.url}/merchant/v2/payments/"
    changed = body.replace(b"1000", b"9000")
    refused = requests.post(url, data=changed, headers=headers, timeout=5)
    assert code_of(refused) == "DP00800001026"
    accepted = requests.post(url, data=body, headers=headers, timeout=5)
    assert code_of(accepted) == "DP00800001006"
    merchant.wait_for(1)


def test_unsigned_messages_are_forbidden_where_signing_is_on(simulator: Simulator) -> None:
    simulator.configure(airtel_money={"message_signing": True})
    assert code_of(clients.airtel_pay(simulator.url, PAYEE)) == "DP00800001026"
    assert code_of(clients.airtel_disburse(simulator.url, PAYEE)) == "DP00900001018"
    refund = clients.airtel_refund(simulator.url, "MP1.2.L3")
    assert code_of(refund) == "DP00800001026"


def test_the_sheets_vector_is_a_signature() -> None:
    """Fact sheet 4, with PKCS#1 v1.5, as for a key of 1024 bits."""
    private = rsa.generate_private_key(
        public_exponent=65537,
        key_size=1024,  # noqa: S505 - Airtel's
    )
    body = b'{"reference":"Test","transaction":{"amount":1000,"id":"ABC123"}}'
    secret = b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:AAECAwQFBgcICQoLDA0ODw=="
    encrypted = private.public_key().encrypt(secret, rsa_padding.PKCS1v15())
    headers = {
        "x-signature": (
            "z3qQ9dlMT0x7LIOUTQewn+sKP9Z2Ld5QS9PtxWnnyPE5SSRuDGXEdJHEE32qysJIKoA24HYmKo5R"
            "OwYm8bDYSG87se0WpWUZcgW8/sSRorY="
        ),
        "x-key": base64.b64encode(encrypted).decode(),
    }
    assert is_signed(body, headers, KeyPair(private))
    assert not is_signed(body.replace(b"1000", b"1001"), headers, KeyPair(private))


@pytest.mark.parametrize("form", ["transaction", "wrapped"])
def test_the_sheets_hashes_are_the_callbacks(form: str) -> None:
    """Fact sheet 7: what is hashed, with the sheet's own key and transaction."""
    transaction = {
        "id": "BBZMiscxy",
        "message": (
            "Paid TZS 5,000 to TECHNOLOGIES LIMITED Charge TZS 140, Trans ID MP210603.1234.L06941."
        ),
        "status_code": "TS",
        "airtel_money_id": "MP210603.1234.L06941",
    }
    expected = {
        "transaction": "4mfkB7GycT3HWTPHufyLLQdduzPQ8rcrpyz6sQfMfv8=",
        "wrapped": "K96SKCoTG2nyaB1uNutDKzb6xNn6tIHgm0ddHujCj/M=",
    }
    body = json.loads(hashed(transaction, "test-callback-key", form))
    assert body["hash"] == expected[form]
