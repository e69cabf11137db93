"""Registers payments' system checks."""

from django.apps import AppConfig
from django.core.checks import register


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from payments.checks import check_providers

        register(check_providers)
