"""The message log: what was told to whom, by which channel, and whether it arrived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.timezone import localtime
from unfold.decorators import action, display

from common import phone as phones
from common.admin import Endless, MaskedPhones, ModelAdmin, ReadOnly, Sought, newest
from common.confirmation import ReasonForm, confirm_verb
from common.shown_phone import shown_text
from notifications.channels.registry import CHANNELS
from notifications.messages import TEXTS
from notifications.models import DeliveryReport, Message, OptOut
from notifications.preview import previews
from notifications.services.send_again import send_again, why_not_again

STATE_LABELS = {
    "queued": "info",
    "sending": "info",
    "sent": "success",
    "failed": "danger",
    "unknown": "warning",
}
DELIVERY_LABELS = {"pending": "info", "delivered": "success", "undelivered": "danger"}


class OneOf(admin.SimpleListFilter):
    """A column's values that the code knows, instead of those that millions of rows have."""

    known: Iterable[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in self.known]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Message, Message]
    ) -> QuerySet[Message, Message]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class ByText(OneOf):
    title = "text"
    parameter_name = "message_id"
    known = TEXTS


class ByChannel(OneOf):
    title = "channel"
    parameter_name = "channel"
    known = CHANNELS


@admin.register(Message)
class MessageAdmin(Endless, Sought, MaskedPhones, ReadOnly, ModelAdmin):
    actions_list = ["texts"]
    actions_detail = ["send_again"]
    with_phones = ("to", "told", "error")
    list_display = [
        "created_at",
        "to",
        "message_id",
        "language",
        "shown_state",
        "shown_delivery",
        "told",
    ]
    list_filter = ["state", "delivery", ByChannel, ByText, "language", "created_at"]
    search_help_text = "Phone in any form, e-mail address, or the message's key"
    list_per_page = 50
    fields = [
        "to",
        "told",
        "parts",
        "message_id",
        "language",
        "shown_state",
        "channel",
        "attempts",
        "doubts",
        "error",
        "shown_delivery",
        "reports",
        "created_at",
        "next_attempt_at",
        "expires_at",
        "sent_at",
        "others",
    ]

    def sought(self, term: str) -> Iterator[QuerySet[Message, int]]:
        """Whole numbers and addresses only: a part of one would be looked for in every row."""
        yield newest(Message.objects.filter(key=term))
        yield newest(Message.objects.filter(to=term.lower()))
        with suppress(phones.InvalidPhoneNumber):
            yield newest(Message.objects.filter(to=phones.parse(term)))

    @display(description="State", label=STATE_LABELS)
    def shown_state(self, message: Message) -> str:
        return message.state

    @display(description="Delivery", label=DELIVERY_LABELS)
    def shown_delivery(self, message: Message) -> str:
        return message.delivery

    @display(description="Charged as SMS")
    def parts(self, message: Message) -> str:
        return "" if "@" in message.to else str(message.parts)

    @display(description="Reports")
    def reports(self, message: Message) -> str:
        """What the channel said of its delivery, in its own words."""
        if not message.reference:
            return "-"
        told = DeliveryReport.objects.filter(channel=message.channel, reference=message.reference)
        return format_html_join("\n", "<div>{} {} {}</div>", _lines(told)) or "-"

    @display(description="Sent again")
    def others(self, message: Message) -> str:
        """The first message of these words, and those that staff had sent since."""
        first = message.again_of or message
        return format_html_join(
            "\n",
            '<div><a href="{}">{}</a></div>',
            ((page_of(other), _moment(other.created_at)) for other in _others(first, message)),
        )

    @action(
        description="Send again", url_path="send-again", permissions=["send_again"], icon="send"
    )
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        message = get_object_or_404(Message, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Message, str]:
            again = send_again(message=message, key=answers["key"])
            return message, f"It is sent again, as message {again.pk}."

        return confirm_verb(
            self,
            request,
            row=message,
            name=shown_text(request, message.to),
            verb="Send again",
            sentences=[
                "Its reader gets the same words as a new message, and pays nothing for it. "
                "Who got the first one gets them twice.",
                shown_text(request, message.told),
            ],
            act=act,
            form=ReasonForm(request.POST or None),
        )

    def has_send_again_permission(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> bool:
        """Offered where it may be done; what is refused meanwhile says why."""
        if object_id is None or not request.user.has_perm("notifications.send_again"):
            return False
        message = Message.objects.filter(pk=object_id).first()
        return message is not None and (request.method == "POST" or not why_not_again(message))

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


@admin.register(OptOut)
class OptOutAdmin(Endless, Sought, MaskedPhones, ReadOnly, ModelAdmin):
    with_phones = ("phone", "why")
    list_display = ["since", "phone", "channel", "why"]
    search_help_text = "Phone in any form"
    list_per_page = 50
    fields = ["phone", "channel", "why", "since"]

    def sought(self, term: str) -> Iterator[QuerySet[OptOut, int]]:
        with suppress(phones.InvalidPhoneNumber):
            yield newest(OptOut.objects.filter(phone=phones.parse(term)))


def page_of(message: Message) -> str:
    return reverse("admin:notifications_message_change", args=[message.pk])


def _others(first: Message, shown: Message) -> list[Message]:
    found = [first, *first.again.order_by("pk")]
    return [message for message in found if message.pk != shown.pk]


def _lines(reports: QuerySet[DeliveryReport, DeliveryReport]) -> Iterable[tuple[str, str, str]]:
    for report in reports.order_by("pk"):
        yield _moment(report.received_at), report.word, report.facts.get("failureReason", "")


def _moment(time: datetime) -> str:
    return f"{localtime(time):%d.%m.%Y %H:%M:%S}"
