"""Query transaction status, by any of the three references. Fact sheet 1.6."""

from __future__ import annotations

from aiohttp import web

from simulator.mpesa_openapi.app import OpenApiApp
from simulator.mpesa_openapi.codes import CODES, NOTHING, new_conversation, refusal
from simulator.mpesa_openapi.fields import QUERY
from simulator.phones import Outcome
from simulator.provider import answer
from simulator.store.prompts import Prompt
from simulator.store.transfers import Transfer


class Query:
    """INS-0 only says that the question was answered."""

    def __init__(self, app: OpenApiApp) -> None:
        self._app = app

    def routes(self) -> list[web.RouteDef]:
        path = "queryTransactionStatus"
        return [self._app.route("GET", path, "query", self.status, *QUERY)]

    async def status(self, fields: dict[str, str]) -> web.Response:
        """The index may lag behind: then even what is paid is not found."""
        name, ours = fields["input_QueryReference"], fields["input_ThirdPartyConversationID"]
        prompt = self._app.store.prompts.known_as(self._app.dialect, name)
        if prompt and self._app.early_answer(prompt) == "truth":
            return self._answer(ours, _status(prompt), prompt.receipt)
        transfer = self._app.store.transfers.known_as(self._app.dialect, name)
        if prompt is None and transfer:
            return self._answer(ours, _status_of_transfer(transfer), transfer.receipt)
        return refusal("INS-23", ours=ours)

    def _answer(self, ours: str, status: str, receipt: str | None) -> web.Response:
        movement = self._app.bank.incoming(self._app.name, receipt or "")
        is_reversed = bool(movement and self._app.bank.taken_back(movement))
        body = {
            "output_ResponseCode": "INS-0",
            "output_ResponseDesc": CODES["INS-0"][1],
            "output_ResponseTransactionStatus": status,
            "output_ConversationID": new_conversation(),
            "output_ThirdPartyConversationID": ours,
            "output_OriginalTransactionID": receipt or NOTHING,
            "output_Reversed": str(is_reversed),
        }
        return answer(body)


def _status(prompt: Prompt) -> str:
    if prompt.is_waiting:
        return "Pending"
    return {
        Outcome.PAID: "Completed",
        Outcome.CANCELLED: "Cancelled",
        Outcome.EXPIRED: "Expired",
    }.get(Outcome(prompt.state), "Failed")


def _status_of_transfer(transfer: Transfer) -> str:
    return "Completed" if transfer.is_paid else "Failed"
