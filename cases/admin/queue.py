"""The queue: the highest rank first, with counts and cash; a case's page; one verb for many."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display
from unfold.views import ChangeList

from cases.admin.filters import AgeFilter, QueueFilter
from cases.admin.forms import AssignForm, SnoozeForm
from cases.admin.page import page_of
from cases.admin.verbs import CaseVerbs
from cases.models import Bulk, Case, CaseKind
from cases.ranking import age_class, ranked, tone
from cases.services.bulk import AT_MOST, Selection, act_on_many, preview
from cases.services.claim import keep_claim
from cases.subjects import subject_of
from common.admin import FilteredList, ReadOnly, row_key
from common.confirmation import Question, ReasonForm, confirm
from common.errors import DomainError
from common.shown_phone import may_be_shown, shown_text

TONES = {name: name for name in ("success", "info", "warning", "danger")}


class Queue(FilteredList):
    """Ordered by rank, unless a column's head was clicked."""

    def _get_default_ordering(self) -> list[str]:
        return ["-rank", "pk"]


@admin.register(Case)
class CaseAdmin(ReadOnly, CaseVerbs):
    list_display = ["age", "kind", "subject", "tzs", "customer_waits", "standing", "opened"]
    list_display_links = ["age", "kind"]
    list_filter = [QueueFilter, AgeFilter, "customer_waits", "kind"]
    list_select_related = ["owner", "proposed_by"]
    list_per_page = 50
    search_fields = ["subject", "detail"]
    search_help_text = "Subject, such as payment:<id>, or a word of the detail"
    list_before_template = "cases/queue.html"
    change_form_template = "cases/case.html"
    actions = ["resolve_many", "snooze_many", "assign_many"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return ranked(Case.objects.all(), timezone.now())

    def get_changelist(self, request: HttpRequest, **named: Any) -> type[ChangeList]:
        return Queue

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: Any = super().changelist_view(request, extra_context)
        shown = getattr(answer, "context_data", None) or {}
        if "cl" in shown:
            shown["totals"] = _totals(shown["cl"].queryset)
            shown["may_work"] = self.has_work_permission(request)
        return answer  # type: ignore[no-any-return]

    @display(description="Age", ordering="opened_at", label=TONES)
    def age(self, case: Case) -> tuple[str, str]:
        now = timezone.now()
        return tone(case, now), age_class(case, now).name

    @display(description="TZS", ordering="amount")
    def tzs(self, case: Case) -> str:
        return f"{case.amount:,}"

    @display(description="Opened", ordering="opened_at")
    def opened(self, case: Case) -> str:
        return f"{timezone.localtime(case.opened_at):%d.%m.%Y %H:%M}"

    @display(description="Who")
    def standing(self, case: Case) -> str:
        if case.state == Case.State.OPEN and case.proposal:
            return f"Proposed by {case.proposed_by}"
        if case.state == Case.State.RESOLVED:
            return f"Resolved by {case.owner}" if case.owner else "Resolved"
        if not case.is_claimed_at(timezone.now()):
            return "Free"
        if case.claimed_until is None:
            return f"{case.owner}, assigned"
        return f"{case.owner} until {timezone.localtime(case.claimed_until):%H:%M}"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        case = self.get_object(request, object_id)
        if case is None:  # nor may the verbs be asked for what is no key
            gone: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, object_id
            )
            return gone
        context = {**(extra_context or {})}
        if self.has_view_permission(request, case):
            who = request.user.pk or 0
            keep_claim(case=case, by_id=who)
            person = subject_of(case.subject).person
            context["page"] = page_of(
                case, by_id=who, shown=partial(shown_text, request, of=person)
            )
            context["may_show"] = person is not None and may_be_shown(request, person)
            context["may_work"] = self.has_work_permission(request)
        answer: HttpResponse = super().change_view(request, object_id, form_url, context)
        return answer

    @admin.action(description="Resolve…", permissions=["work"])
    def resolve_many(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse | None:
        return self._many(request, queryset, Bulk.Verb.RESOLVE, "Resolve", ReasonForm)

    @admin.action(description="Snooze…", permissions=["work"])
    def snooze_many(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse | None:
        return self._many(request, queryset, Bulk.Verb.SNOOZE, "Snooze", SnoozeForm)

    @admin.action(description="Assign…", permissions=["assigning"])
    def assign_many(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse | None:
        return self._many(request, queryset, Bulk.Verb.ASSIGN, "Assign", AssignForm)

    def _many(
        self,
        request: HttpRequest,
        queryset: QuerySet[Case],
        verb: Bulk.Verb,
        title: str,
        form_class: type[forms.Form],
    ) -> HttpResponse | None:
        """The preview; it comes back here, with the reason, as the same action upon what it takes."""
        is_answer = "key" in request.POST
        form = form_class(request.POST if is_answer else None)
        ids = _chosen(request) if is_answer else list(queryset.values_list("pk", flat=True))
        who = request.user.pk or 0
        try:
            selection = preview(verb=verb, case_ids=ids, by_id=who)
        except DomainError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return None

        def act(answers: Mapping[str, Any]) -> tuple[Bulk, str]:
            worker = answers.get("to")
            bulk = act_on_many(
                key=answers["key"],
                verb=verb,
                case_ids=ids,
                why=answers["why"],
                by_id=who,
                until=answers.get("until"),
                to_id=worker.pk if worker else None,
            )
            return bulk, f"{bulk}."

        taken = [(ACTION_CHECKBOX_NAME, str(case.pk)) for case in selection.taken]
        question = Question(
            title=f"{title} many cases",
            button=title,
            back=reverse("admin:cases_case_changelist"),
            sentences=_preview_sentences(selection),
            items=[_item(case) for case in selection.taken],
            left_out=[f"{_item(case)}. {reason}" for case, reason in selection.left],
            hidden=[("action", request.POST["action"]), *taken],
            done=lambda bulk: reverse("admin:cases_bulk_change", args=[bulk.pk]),
        )
        return confirm(self, request, question=question, form=form, act=act)


def _totals(shown: QuerySet[Any]) -> dict[str, Any]:
    """How many and how much per kind, of everything that the filters let through."""
    rows = shown.order_by().values("kind").annotate(cases=Count("pk"), cash=Sum("amount"))
    kinds = sorted(rows, key=lambda row: (-row["cash"], -row["cases"]))
    return {
        "kinds": [{**row, "name": CaseKind(row["kind"]).label} for row in kinds],
        "cases": sum(row["cases"] for row in kinds),
        "cash": sum(row["cash"] for row in kinds),
    }


def _chosen(request: HttpRequest) -> list[int]:
    sent = request.POST.getlist(ACTION_CHECKBOX_NAME)
    return [key for text in sent if (key := row_key(text)) is not None]


def _preview_sentences(selection: Selection) -> list[str]:
    return [
        f"{len(selection.taken):,} cases with {selection.amount:,} TZS at stake will change.",
        f"{len(selection.left):,} are left out.",
        f"It can be undone for those that nobody touches after it. {AT_MOST:,} cases at most.",
    ]


def _item(case: Case) -> str:
    return f"{case}: {case.amount:,} TZS"
