"""The message log: what was told to whom; nothing to change."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.decorators import action, display

from common.admin import Endless, MaskedPhones, ModelAdmin, ReadOnly
from notifications.models import Message
from notifications.preview import previews


@admin.register(Message)
class MessageAdmin(Endless, MaskedPhones, ReadOnly, ModelAdmin):
    actions_list = ["texts"]
    with_phones = ("to", "told")
    list_display = ["created_at", "to", "message_id", "language", "shown_state", "told"]
    list_filter = ["state", "message_id", "language", "created_at"]
    search_fields = ["to", "key"]
    list_per_page = 50
    fields = [
        "to",
        "told",
        "message_id",
        "language",
        "state",
        "channel",
        "attempts",
        "error",
        "created_at",
        "next_attempt_at",
        "sent_at",
    ]

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

    @action(description="Texts", url_path="texts", permissions=["texts"], icon="translate")
    def texts(self, request: HttpRequest) -> HttpResponse:
        """All that customers may be told, with how many SMS each takes."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Message texts",
            "previews": list(previews()),
        }
        return TemplateResponse(request, "notifications/texts.html", context)

    def has_texts_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))
