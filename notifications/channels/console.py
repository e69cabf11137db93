"""Writes messages to the log, for development."""

from __future__ import annotations

import logging

from common import phone as phones

logger = logging.getLogger("konektika.sms")


class ConsoleChannel:
    name = "console"

    def send(self, *, to: str, text: str, subject: str) -> str:
        logger.info("SMS to %s: %s", phones.mask(to), text)
        return ""
