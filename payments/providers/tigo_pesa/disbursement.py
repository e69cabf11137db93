"""Sends money by Tigo's A2W cash-in, which answers at once and for good (Tigo fact sheet, B).

There is no status call and no safe second sending: what is not known here, a statement must tell.
"""

from __future__ import annotations

import re

from common.outgoing_http import ANSWER_BYTES_MAX
from payments.providers.base import Answer, Disbursement, Outcome
from payments.providers.http import (
    REDACTED,
    SHOWN_CHARACTERS_MAX,
    CallFailed,
    Exchange,
    ProviderHttp,
    redact,
)
from payments.providers.tigo_pesa.codes import (
    UNKNOWN,
    Meaning,
    is_listed_transfer_code,
    transfer_code_meaning,
)
from payments.providers.tigo_pesa.command import CONTENT_TYPE, read_command, write_command
from payments.providers.tigo_pesa.config import TigoPesaConfig
from payments.providers.wire import identifier

LANGUAGE = "en"


def disburse(http: ProviderHttp, config: TigoPesaConfig, request: Disbursement) -> Answer:
    """Send the money with one request."""
    fields = _request_fields(config, request)
    try:
        exchange = http.call(
            "POST",
            config.disburse_url,
            headers={"Content-Type": CONTENT_TYPE},
            raw_body=write_command(fields),
            shown_body=fields,
        )
    except CallFailed as failure:
        return failure.collect_answer()
    return _answer(exchange, request.reference, config.disburse_pin)


def _request_fields(config: TigoPesaConfig, request: Disbursement) -> dict[str, str]:
    """The newer form, which names its sender, is spoken with a brand id."""
    is_newer = bool(config.disburse_brand_id)
    return {
        "TYPE": config.disburse_type,
        "REFERENCEID": request.reference,
        "MSISDN": config.disburse_msisdn,
        "PIN": config.disburse_pin,
        "MSISDN1": request.msisdn,
        "AMOUNT": str(request.amount),
        **({"SENDERNAME": request.description} if is_newer else {}),
        "LANGUAGE1": LANGUAGE,
        **({"BRAND_ID": config.disburse_brand_id} if is_newer else {}),
    }


def _answer(exchange: Exchange, reference: str, pin: str) -> Answer:
    fields = _fields(exchange)
    outcome, reason = _meaning(exchange, fields, reference)
    code = identifier(fields.get("TXNSTATUS"))
    has_receipt = outcome == Outcome.SUCCEEDED
    return Answer(
        outcome=outcome,
        reason=reason,
        code=code,
        message=_shown(fields.get("MESSAGE", ""), pin),
        receipt=identifier(fields.get("TXNID")) if has_receipt else "",
        is_unlisted=bool(code) and not is_listed_transfer_code(code),
        request=exchange.request,
        response={
            "status": exchange.status,
            "body": _shown_fields(fields, pin) or _shown_text(exchange, pin),
        },
    )


def _fields(exchange: Exchange) -> dict[str, str]:
    """The answer's texts; none when it cannot be read for certain."""
    if len(exchange.body) > ANSWER_BYTES_MAX:
        return {}
    try:
        return read_command(exchange.body)
    except ValueError:
        return {}


def _meaning(exchange: Exchange, fields: dict[str, str], reference: str) -> Meaning:
    """What the answer says, if its parts agree: a receipt comes with a success and never without."""
    meaning = transfer_code_meaning(fields.get("TXNSTATUS", "")) if exchange.is_ok else UNKNOWN
    has_succeeded = meaning[0] == Outcome.SUCCEEDED
    named = fields.get("REFERENCEID", "")
    is_ours = named == reference or (not named and not has_succeeded)
    has_receipt = bool(fields.get("TXNID"))
    return meaning if is_ours and has_receipt == has_succeeded else UNKNOWN


def _shown_fields(fields: dict[str, str], pin: str) -> dict[str, str]:
    shown: dict[str, str] = redact({tag: _shown(value, pin) for tag, value in fields.items()})
    return shown


def _shown_text(exchange: Exchange, pin: str) -> str:
    return _shown(exchange.body.decode("utf-8", "replace"), pin)[:SHOWN_CHARACTERS_MAX]


def _shown(words: str, pin: str) -> str:
    """Words of the answer without phone numbers and without our PIN, which is too short to be
    blanked by the HTTP client wherever it stands.
    """
    shown: str = redact(re.sub(rf"(?<!\w){re.escape(pin)}(?!\w)", REDACTED, words))
    return shown
