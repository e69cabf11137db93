"""Who did what in the back-office, and why: Django's log of it, to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timezone import localtime
from unfold.decorators import display

from common.admin import BusinessDays, ModelAdmin, ReadOnly
from common.shown_phone import text_field


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"
    KINDS = {
        "export": ("Took a list away", "Exported "),
        "phone": ("Had a phone shown", "Showed the phone number"),
    }

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(key, title) for key, (title, _) in self.KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        chosen = self.KINDS.get(self.value() or "")
        return queryset.filter(change_message__startswith=chosen[1]) if chosen else queryset


@admin.register(LogEntry)
class AuditAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "user", "content_type", "row"]
    list_display_links = ["at"]
    list_filter = [
        ("action_time", BusinessDays),
        KindFilter,
        "action_flag",
        ("content_type", admin.RelatedOnlyFieldListFilter),
        ("user", admin.RelatedOnlyFieldListFilter),
    ]
    list_filter_submit = True
    list_select_related = ["user", "content_type"]
    list_per_page = 50
    ordering = ["-id"]
    search_fields = ["=user__email", "=object_id"]
    search_help_text = "The e-mail of who did it, or the primary key of what it was done to"

    def get_list_display(self, request: HttpRequest) -> list[str | Callable[[LogEntry], str]]:
        return [*self.list_display, _what(request)]

    def get_fields(self, request: HttpRequest, obj: LogEntry | None = None) -> list[Any]:
        return [*self.list_display, _what(request)]

    get_readonly_fields = get_fields

    @display(description="When", ordering="action_time")
    def at(self, entry: LogEntry) -> str:
        return f"{localtime(entry.action_time):%d.%m.%Y %H:%M:%S}"

    @display(description="Row")
    def row(self, entry: LogEntry) -> str:
        url = entry.get_admin_url()
        if not url or entry.is_deletion() or not entry.object_id:
            return str(entry.object_repr)
        return format_html('<a class="underline" href="{}">{}</a>', url, entry.object_repr)


def _what(request: HttpRequest) -> Callable[[Any], str]:
    return text_field(request, "What", lambda entry: entry.get_change_message())
