"""What staff see across apps."""

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    name = "backoffice"
