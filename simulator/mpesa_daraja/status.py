"""Transaction status, by receipt or by the original's conversation. Fact sheet 2.7."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from simulator.mpesa_daraja.app import DarajaApp
from simulator.mpesa_daraja.fields import are_urls, check, digits, is_text, stamp
from simulator.mpesa_daraja.initiator import Initiator, accepted, conversation, result
from simulator.provider import Json
from simulator.store.calls import CallbackRequest

_UNKNOWN = "R000002"


@dataclass(frozen=True, slots=True)
class _Found:
    """What the result says of a transaction."""

    status: str
    receipt: str
    amount: int
    debited: str
    credited: str
    at: float
    names: Json  # those of the original; the question has names of its own


class Status:
    """Asynchronous, like everything that an initiator asks."""

    def __init__(self, app: DarajaApp, initiator: Initiator) -> None:
        self._app = app
        self._initiator = initiator

    def routes(self) -> list[web.RouteDef]:
        path = "/mpesa/transactionstatus/v1/query"
        return [self._app.post(path, "query_disbursement", self.query)]

    async def query(self, request: web.Request) -> web.Response:
        body = await self._app.authorised_body(request)
        name = str(body.get("TransactionID") or body.get("OriginalConversationID") or "")
        check(
            {
                "Initiator": is_text(body.get("Initiator"), 1, 60),
                "SecurityCredential": is_text(body.get("SecurityCredential"), 1, 2000),
                "CommandID": body.get("CommandID") == "TransactionStatusQuery",
                "TransactionID": name,
                "PartyA": self._initiator.is_party(body.get("PartyA")),
                "IdentifierType": digits(body.get("IdentifierType")) == "4",
                "Remarks": is_text(body.get("Remarks"), 2, 100),
                **are_urls(body, "QueueTimeOutURL", "ResultURL"),
            }
        )
        names = conversation()
        self._app.world.sender.queue(
            f"status:{names['ConversationID']}",
            [self._call(names, body, self._found(name))],
            seconds=self._app.behaviour.callback_latency(self._app.name),
        )
        return accepted(names)

    def _found(self, name: str) -> _Found | None:
        merchant = f"{self._app.config.short_code} - {self._app.merchant}"
        transfer = self._app.store.transfers.known_as(self._app.dialect, name)
        if transfer:
            return _Found(
                status="Completed" if transfer.is_paid else "Failed",
                receipt=transfer.receipt or "",
                amount=transfer.amount,
                debited=merchant,
                credited=f"{transfer.msisdn} - CUSTOMER",
                at=transfer.created_at,
                names=transfer.names,
            )
        movement = self._app.bank.incoming(self._app.name, name)
        if movement is None:
            return None
        return _Found(
            status="Completed",
            receipt=movement.receipt,
            amount=movement.amount,
            debited=f"{movement.msisdn} - CUSTOMER",
            credited=merchant,
            at=movement.moved_at,
            names=movement.names,
        )

    def _call(self, names: dict[str, str], body: Json, found: _Found | None) -> CallbackRequest:
        code = "0" if found else _UNKNOWN
        if not self._initiator.is_right(body, "Initiator"):
            code = "2001"
        return result(
            names=names,
            code=code,
            transaction_id=self._app.new_receipt(),
            parameters=_parameters(found) if found and code == "0" else None,
            url=body["ResultURL"],
            timeout_url=body["QueueTimeOutURL"],
        )


def _parameters(found: _Found) -> Json:
    return {
        "DebitPartyName": found.debited,
        "CreditPartyName": found.credited,
        "OriginatorConversationID": found.names.get("OriginatorConversationID", ""),
        "InitiatedTime": int(stamp(found.at)),
        "DebitAccountType": "Utility Account",
        "DebitPartyCharges": "",
        "TransactionReason": "",
        "ReasonType": "",
        "TransactionStatus": found.status,
        "FinalisedTime": int(stamp(found.at)),
        "Amount": found.amount,
        "ConversationID": found.names.get("ConversationID", ""),
        "ReceiptNo": found.receipt,
    }
