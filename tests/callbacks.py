"""Callbacks as the providers write them, for tests that are the provider, or pretend to be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

Json = dict[str, Any]


def mpesa(handle: str, *, amount: int, receipt: str, msisdn: str) -> bytes:
    """M-Pesa fact sheet, 2.3: a paid STK push."""
    items = {
        "Amount": float(amount),
        "MpesaReceiptNumber": receipt,
        "TransactionDate": 20261124101500,
        "PhoneNumber": int(msisdn),
    }
    return _json(
        {
            "Body": {
                "stkCallback": {
                    "MerchantRequestID": "1-2-3",
                    "CheckoutRequestID": handle,
                    "ResultCode": 0,
                    "ResultDesc": "The service request is processed successfully.",
                    "CallbackMetadata": {
                        "Item": [{"Name": name, "Value": value} for name, value in items.items()]
                    },
                }
            }
        }
    )


def tigo(reference: str, *, amount: int | str, receipt: str, paid: bool = True) -> bytes:
    """Tigo fact sheet, A.3."""
    return _json(
        {
            "Status": paid,
            "Description": "Bill payment completed" if paid else "Insufficient balance",
            "MFSTransactionID": receipt if paid else "",
            "ReferenceID": reference,
            "Amount": str(amount),
        }
    )


def airtel(reference: str, *, receipt: str, key: str, status: str = "TS") -> bytes:
    """Airtel fact sheet, 7: signed over the transaction alone."""
    transaction = {
        "id": reference,
        "message": f"Paid TZS 1,000 to KONEKTIKA, Trans ID {receipt}.",
        "status_code": status,
        "airtel_money_id": receipt,
    }
    digest = hmac.new(key.encode(), _json(transaction), hashlib.sha256).digest()
    return _json({"transaction": transaction, "hash": base64.b64encode(digest).decode()})


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
