"""Cases for staff: the facts are read-only, resolving needs a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from cases.models import Case
from cases.services import resolve_case


class ResolutionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A reason resolves the case."""

    class Meta:
        model = Case
        fields = ["owner", "resolution"]

    def clean_resolution(self) -> str:
        resolution = str(self.cleaned_data["resolution"]).strip()
        if self.instance.state == Case.State.RESOLVED:
            raise forms.ValidationError("This case is resolved already.")
        return resolution


@admin.register(Case)
class CaseAdmin(ModelAdmin):
    form = ResolutionForm
    list_display = ["kind", "subject", "amount", "shown_state", "owner", "opened_at"]
    list_filter = ["state", "kind", "opened_at"]
    list_select_related = ["owner"]
    search_fields = ["subject", "detail"]
    list_per_page = 50
    readonly_fields = ["kind", "subject", "amount", "detail", "state", "opened_at", "resolved_at"]
    fields = [*readonly_fields, "owner", "resolution"]

    @display(description="State", label={"open": "warning", "resolved": "success"})
    def shown_state(self, case: Case) -> str:
        return case.state

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Case | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Case, form: Any, change: bool) -> None:
        """A reason resolves; without one only the owner changes."""
        if obj.resolution:
            resolve_case(
                case=obj, resolution=obj.resolution, owner_id=obj.owner_id or request.user.pk
            )
        else:
            Case.objects.filter(pk=obj.pk).update(owner=obj.owner)
