"""E-mail by Django's mail (EMAIL_URL)."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from notifications.channels.base import InDoubt, Misconfigured, NotAccepted, Unreachable

PERMANENT_FROM = 500  # an SMTP reply's class 5


class EmailChannel:
    name = "email"

    def send(self, *, to: str, text: str, subject: str) -> str:
        server = _connected()
        try:
            EmailMessage(subject=subject, body=text, to=[to], connection=server).send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise NotAccepted("refused", permanent=min(codes) >= PERMANENT_FROM) from error
        except smtplib.SMTPResponseException as error:
            is_permanent = error.smtp_code >= PERMANENT_FROM
            raise NotAccepted(f"SMTP {error.smtp_code}", permanent=is_permanent) from error
        except (smtplib.SMTPException, OSError) as error:
            raise InDoubt(type(error).__name__) from error
        finally:
            server.close()
        return ""


def _connected() -> BaseEmailBackend:
    """The mail server, which has greeted us and knows who we are; it has no letter yet."""
    server: BaseEmailBackend = get_connection()
    try:
        server.open()
    except smtplib.SMTPAuthenticationError as error:
        raise Misconfigured(f"SMTP {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unreachable(type(error).__name__) from error
    return server
