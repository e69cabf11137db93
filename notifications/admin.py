"""The message log: what was told to whom; nothing to change."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from notifications.models import Message


@admin.register(Message)
class MessageAdmin(ModelAdmin):
    list_display = ["created_at", "to", "message_id", "language", "shown_state", "text"]
    list_filter = ["state", "message_id", "language", "created_at"]
    search_fields = ["to", "key", "text"]
    list_per_page = 50

    @display(
        description="State",
        label={
            "queued": "info",
            "sending": "info",
            "sent": "success",
            "failed": "danger",
            "unknown": "warning",
        },
    )
    def shown_state(self, message: Message) -> str:
        return message.state

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False
