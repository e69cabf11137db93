"""What messages may be refused for."""

from __future__ import annotations

from common.errors import DomainError


class NotToBeSentAgain(DomainError):
    code = "message_not_to_be_sent_again"
    status = 409
