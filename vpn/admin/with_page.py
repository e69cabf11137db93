"""A row's page that tells more than its fields."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin


class WithPage(ModelAdmin):
    """`page_of` is what the template gets as `page`, for a row that there is."""

    def page_of(self, row: Any) -> Any:
        raise NotImplementedError

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context["page"] = self.page_of(obj)
        answer: HttpResponse = super().render_change_form(
            request, context, add, change, form_url, obj
        )
        return answer
