"""What a person must decide."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "cases"
