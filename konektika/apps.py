"""Registers the project's own system checks."""

from django.apps import AppConfig
from django.core.checks import register


class KonektikaConfig(AppConfig):
    name = "konektika"

    def ready(self) -> None:
        from konektika.checks import check_environment

        register(check_environment)
