"""An outbox of messages."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
