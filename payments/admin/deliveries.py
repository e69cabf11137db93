"""What providers, and others, sent to our webhooks: raw, with what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import action, display

from common.admin import FOUND_MAX, Endless, MaskedPhones, ModelAdmin, Sought, newest
from common.confirmation import Question, ReasonForm, confirm
from common.shown_phone import text_field
from payments.admin.attempts import found_attempts
from payments.admin.labels import DELIVERY_LABELS
from payments.models import WebhookDelivery
from payments.services.apply_delivery import note_of_unmatched
from payments.services.replay_delivery import can_be_replayed, replay_delivery


@admin.register(WebhookDelivery)
class DeliveryAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    with_phones = ("note",)
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
    list_prefetch = ["attempt"]
    search_help_text = (
        "Reference, receipt, provider's id or phone; what it names if it fits nothing"
    )
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
        "tries",
        "processed_at",
    ]
    actions = ["process_again"]
    actions_detail = ["process_one"]

    def sought(self, term: str) -> Iterator[QuerySet[WebhookDelivery, int]]:
        for attempts in found_attempts(term):
            of_attempts = WebhookDelivery.objects.filter(attempt__in=list(attempts[:FOUND_MAX]))
            yield newest(of_attempts)
        yield newest(
            WebhookDelivery.objects.filter(
                state=WebhookDelivery.State.UNMATCHED, note=note_of_unmatched(term)
            )
        )

    @display(description="State", ordering="state", label=DELIVERY_LABELS)
    def shown_state(self, delivery: WebhookDelivery) -> str:
        return delivery.state

    def get_fields(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> list[Any]:
        return [
            *super().get_fields(request, obj),
            text_field(request, "Headers", _headers),
            text_field(request, "Body", lambda delivery: readable(bytes(delivery.body))),
        ]

    get_readonly_fields = get_fields

    @action(
        description="Process it again",
        url_path="process-again",
        permissions=["process_one"],
        icon="replay",
    )
    def process_one(self, request: HttpRequest, object_id: int) -> HttpResponse:
        delivery = get_object_or_404(
            WebhookDelivery.objects.select_related("attempt"), pk=object_id
        )

        def act(answers: Mapping[str, Any]) -> tuple[WebhookDelivery, str]:
            if replay_delivery(delivery_id=delivery.pk):
                return delivery, "The delivery is being processed."
            return delivery, "It is not processed again: it was applied, or is not kept whole."

        question = Question(
            title=f"Process again: {delivery}",
            button="Process it again",
            back=_page_about(delivery),
            sentences=["It is read as if it came now, with the trust of how it once came in."],
        )
        form = ReasonForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def has_process_one_permission(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> bool:
        """Offered for one that told us nothing yet."""
        if object_id is None or not self.has_process_permission(request):
            return False
        delivery = WebhookDelivery.objects.defer("body").filter(pk=object_id).first()
        # A page that is sent twice is answered as at first, though it was processed by then.
        return delivery is not None and (request.method == "POST" or can_be_replayed(delivery))

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


def _headers(delivery: WebhookDelivery) -> str:
    return "\n".join(f"{name}: {value}" for name, value in sorted(delivery.headers.items()))


def _page_about(delivery: WebhookDelivery) -> str:
    """The payment that it tells of; its own page for one that matches none."""
    if delivery.attempt is not None:
        return reverse("admin:payments_payment_change", args=[delivery.attempt.payment_id])
    return reverse("admin:payments_webhookdelivery_change", args=[delivery.pk])
