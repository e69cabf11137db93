"""What several apps' admin pages share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.contrib.filters.admin.datetime_filters import parse_date_str
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from common.shown_phone import text_field

FOUND_MAX = 1_000  # by one column; nobody looks through more
KEY_DIGITS = 18  # of a number that every database holds
EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)  # of a filter; others are taken for these
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

    def get_results(self, request: HttpRequest) -> None:
        try:
            with suppress(EmptyResultSet):
                self.queryset.query.sql_with_params()
        except OverflowError as error:  # a moment that is none in UTC
            raise IncorrectLookupParameters(error) from error
        super().get_results(request)


class ModelAdmin(UnfoldModelAdmin):
    """What every page of ours begins with. `linked_by`: what links to its list send, beside filters."""

    linked_by: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FilteredList

    def get_urls(self) -> list[URLPattern]:
        verbs = {verb.action_name for verb in self._get_base_actions_detail()}
        urls: list[URLPattern] = super().get_urls()
        for url in urls:
            if url.name in verbs:
                url.callback = _of_a_row(url.callback, self.model)
        return urls

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponseBase | None:
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            _check_key(self.model, key)
        answer: HttpResponseBase | None = super().response_action(request, queryset)
        return answer


class ReadOnly:
    """Rows that staff may see and nobody may add, change or delete here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Endless:
    """A list that may have millions of rows, of which a page costs what a page costs.

    They are neither counted nor sorted anew. What `list_prefetch` names is read by queries of its own:
    joined, MariaDB may begin with the other table and sort all that it finds. A class before
    `ModelAdmin`.
    """

    paginator = InfinitePaginator
    show_full_result_count = False
    sortable_by: Any = ()
    list_select_related: Any = ()  # nothing: False would join what is shown
    list_prefetch: Sequence[str] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # `ModelAdmin`'s
        return rows.prefetch_related(*self.list_prefetch)


class Sought:
    """A list that is searched by exact look-ups or beginnings, each by an index of its own: joined by
    OR, the database would use none of them. A class before `ModelAdmin`.
    """

    search_fields: Any = ("pk",)  # a search box is shown; `sought` is what it looks for

    def sought(self, term: str) -> Iterable[QuerySet[Any, Any]]:
        """Primary keys of rows that the term could mean, by one column each: see `newest`."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = {key for keys in self.sought(term) for key in keys[:FOUND_MAX]}
        return queryset.filter(pk__in=found), False


def newest(rows: QuerySet[Any], column: str = "pk") -> QuerySet[Any, Any]:
    """A column of these rows, the newest row's first."""
    return rows.order_by("-pk").values_list(column, flat=True)


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


def row_key(text: str) -> int | None:
    """The primary key that a form sends; None for what can be none."""
    is_key = text.isascii() and text.isdigit() and len(text) <= KEY_DIGITS
    return int(text) if is_key else None


def _of_a_row(view: Callable[..., HttpResponse], model: type[Model]) -> Callable[..., HttpResponse]:
    """The page of a verb, which is not found where the address can name no row."""

    @wraps(view)
    def page(request: HttpRequest, object_id: str, **named: Any) -> HttpResponse:
        _check_key(model, object_id)
        return view(request, object_id=object_id, **named)

    return page


def _check_key(model: type[Model], text: str) -> None:
    """Raises Http404 for what can be no primary key of these rows."""
    try:
        model._meta.pk.to_python(text)
    except ValidationError as error:
        raise Http404 from error


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
    """A settings row: edited, never added to or deleted; its history tells each value before and after.

    What is seeded when it is first needed, by the model's `current`, is needed here: staff may set it
    before. A class before `ModelAdmin`.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        if seed := getattr(self.model, "current", None):  # type: ignore[attr-defined]  # `ModelAdmin`'s
            seed()
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # `ModelAdmin`'s
        return rows

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {}), "show_history": True}
        answer: HttpResponse = super().changeform_view(  # type: ignore[misc]  # `ModelAdmin`'s
            request, object_id, form_url, context
        )
        return answer

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> str:
        changes = [
            f"{form.fields[name].label}: {form.initial.get(name)} → {form.cleaned_data[name]}"
            for name in form.changed_data
        ]
        return f"Changed {'; '.join(changes)}." if changes else "Changed nothing."

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
            _day(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")
            for end in ("from", "to")
        )
        if first:
            queryset = queryset.filter(**{f"{self.field_path}__gte": _beginning(first)})
        if last:
            end = _beginning(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.field_path}__lt": end})
        return queryset


def _day(written: str) -> date | None:
    """The day; one so far that its moments are no moments in UTC is as good as the first or last."""
    day: date | None = parse_date_str(written)
    return day and min(max(day, EARLIEST), LATEST)


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(settings.BUSINESS_TIME_ZONE))
