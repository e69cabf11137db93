"""What was done to many cases at once, and its undoing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from cases.models import Bulk, CaseEvent
from cases.services.bulk import undo
from common.admin import ReadOnly
from common.confirmation import Question, ReasonForm, confirm


class EventInline(ReadOnly, TabularInline):
    model = CaseEvent
    fields = ["case", "at", "why"]
    verbose_name_plural = "cases"
    per_page = 50
    ordering = ["pk"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("case")


@admin.register(Bulk)
class BulkAdmin(ReadOnly, ModelAdmin):
    list_display = ["__str__", "by", "at", "why", "undone_at"]
    list_select_related = ["by"]
    list_filter = ["verb", "at"]
    list_per_page = 50
    fields = ["verb", "cases", "amount", "why", "by", "at", "undone_by", "undone_at"]
    readonly_fields = fields
    inlines = [EventInline]
    actions_detail = ["undo"]

    @action(description="Undo", url_path="undo", permissions=["undo"], icon="undo")
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        bulk = get_object_or_404(Bulk, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Bulk, str]:
            back, left = undo(bulk_id=bulk.pk, by_id=request.user.pk or 0)
            return bulk, f"{back:,} cases are as they were; {left:,} were touched since and stay."

        question = Question(
            title=f"Undo: {bulk}",
            button="Undo",
            back=reverse("admin:cases_bulk_change", args=[bulk.pk]),
            sentences=["Every case that nobody has touched since is put back as it was."],
        )
        return confirm(
            self, request, question=question, form=ReasonForm(request.POST or None), act=act
        )

    def has_undo_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        if not request.user.has_perm("cases.work_case") or object_id is None:
            return False
        if request.method == "POST":
            return True
        return Bulk.objects.filter(pk=object_id, undone_at__isnull=True).exists()
