"""What providers, and others, sent to our webhooks: raw, with what became of it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from common.admin import ReadOnly
from payments.admin.labels import DELIVERY_LABELS
from payments.models import WebhookDelivery
from payments.services.replay_delivery import replay_delivery


@admin.register(WebhookDelivery)
class DeliveryAdmin(ReadOnly, ModelAdmin):
    list_display = [
        "id",
        "received_at",
        "dialect",
        "channel",
        "shown_state",
        "trust",
        "source",
        "attempt",
        "note",
    ]
    list_filter = ["state", "channel", "dialect", "trust", "received_at"]
    list_select_related = ["attempt"]
    search_fields = ["attempt__reference", "attempt__provider_transaction_id", "note"]
    list_per_page = 50
    fields = [
        "received_at",
        "dialect",
        "channel",
        "source",
        "trust",
        "state",
        "note",
        "attempt",
        "body_bytes",
        "shown_headers",
        "shown_body",
        "tries",
        "processed_at",
    ]
    actions = ["process_again"]

    @display(description="State", ordering="state", label=DELIVERY_LABELS)
    def shown_state(self, delivery: WebhookDelivery) -> str:
        return delivery.state

    @display(description="Headers")
    def shown_headers(self, delivery: WebhookDelivery) -> str:
        return "\n".join(f"{name}: {value}" for name, value in sorted(delivery.headers.items()))

    @display(description="Body")
    def shown_body(self, delivery: WebhookDelivery) -> str:
        return readable(bytes(delivery.body))

    @admin.action(description="Process the selected deliveries again", permissions=["process"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        done = 0
        for delivery in queryset:
            if replay_delivery(delivery_id=delivery.pk):
                self.log_change(request, delivery, "Processed again")
                done += 1
        self.message_user(request, f"{done} deliveries are being processed.", messages.SUCCESS)

    def has_process_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("payments.change_webhookdelivery"))


def readable(body: bytes) -> str:
    """A body as text, or its bytes in hexadecimal when it is none."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.hex(" ")
