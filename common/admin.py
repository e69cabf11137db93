"""What several apps' admin pages share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.utils import label_for_field
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.contrib.filters.admin.datetime_filters import parse_date_str
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from common.shown_phone import text_field

PRIMARY_KEY = ("pk", "id", "pk__exact", "id__exact")


class FilteredList(ChangeList):
    """A list that only its own filters and links narrow.

    Django lets the query string compare every column of the table, those that no page shows among
    them: `?callback_token__regex=^ab` would tell a secret letter by letter.
    """

    def get_filters(self, request: HttpRequest) -> tuple[Any, ...]:
        found: tuple[Any, ...] = super().get_filters(request)
        _, _, not_of_a_filter, *_ = found
        for name in not_of_a_filter:
            if name not in (*PRIMARY_KEY, *self.model_admin.linked_by):
                raise DisallowedModelAdminLookup(f"Filtering by {name} not allowed")
        return found


class ModelAdmin(UnfoldModelAdmin):
    """What every page of ours begins with. `linked_by`: what links to its list send, beside filters."""

    linked_by: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FilteredList


class ReadOnly:
    """Rows that staff may see and nobody may add, change or delete here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Endless:
    """A list that may have millions of rows: they are not counted, which would take seconds a page."""

    paginator = InfinitePaginator
    show_full_result_count = False


class MaskedPhones(ReadOnly):
    """Rows that are read only, whose columns `with_phones` are told as the reader may have them.

    A class before `ModelAdmin`.
    """

    with_phones: tuple[str, ...] = ()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._masked(request, super().get_list_display(request))  # type: ignore[misc]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self._masked(request, super().get_fields(request, obj))  # type: ignore[misc]

    def _masked(self, request: HttpRequest, names: Iterable[Any]) -> list[Any]:
        return [self._told(request, name) if name in self.with_phones else name for name in names]

    def _told(self, request: HttpRequest, name: str) -> Callable[[Any], str]:
        label = label_for_field(name, self.model)  # type: ignore[attr-defined]
        return text_field(request, str(label).capitalize(), lambda row: _text(getattr(row, name)))


class MaskedInline(MaskedPhones, TabularInline):
    """Rows on another row's page, masked as `MaskedPhones` are. Made anew for every request."""

    readonly_fields: Any = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        # Fields that are no columns have to be read only, and the same objects whenever asked for.
        if not self.readonly_fields:
            self.readonly_fields = super().get_fields(request, obj)
        return list(self.readonly_fields)


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, indent=2, ensure_ascii=False)


class WithPage(ModelAdmin):
    """A row's page that tells more than its fields: `page_of` is what the template gets as `page`."""

    def page_of(self, request: HttpRequest, row: Any) -> Any:
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
            context["page"] = self.page_of(request, obj)
        answer: HttpResponse = super().render_change_form(
            request, context, add, change, form_url, obj
        )
        return answer


class OneRow:
    """A settings row: edited, never added to or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class BusinessDays(RangeDateFilter):
    """From the first business day chosen to the end of the last; unfold's are days in UTC, and end
    with the last day's beginning.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        first, last = (
            parse_date_str(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")
            for end in ("from", "to")
        )
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _beginning(first)})
        if last:
            end = _beginning(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.field_path}__lt": end})
        return queryset


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.BUSINESS_TIME_ZONE))
