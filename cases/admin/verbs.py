"""What staff do to one case: each calls one service, and says what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.decorators import action

from cases.admin.forms import AssignForm, SnoozeForm
from cases.models import Case
from cases.services.claim import claim_case, claim_next, release_case
from cases.services.close import confirm_resolution, refuse_resolution, reopen, resolve
from cases.services.put_off import assign_case, note, snooze_case
from cases.subjects import subject_of
from common.admin import ModelAdmin, row_key
from common.confirmation import confirm_verb
from common.errors import DomainError
from common.shown_phone import shown_text

OPEN = Q(state=Case.State.OPEN)
WORKABLE = OPEN & Q(proposal="")
PROPOSED = OPEN & ~Q(proposal="")


class CaseVerbs(ModelAdmin):
    actions_detail = ["resolve", "snooze", "assign", "confirm", "refuse", "reopen"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("next/", wrap(self.next_view), name="cases_case_next"),
            path("<int:object_id>/claim/", wrap(self.claim_view), name="cases_case_claim"),
            path("<int:object_id>/release/", wrap(self.release_view), name="cases_case_release"),
            path("<int:object_id>/note/", wrap(self.note_view), name="cases_case_note"),
        ]
        return [*own, *super().get_urls()]

    def next_view(self, request: HttpRequest) -> HttpResponse:
        if refusal := _refuse(request):
            return refusal
        after = row_key(request.POST.get("after", ""))
        case = claim_next(by_id=_who(request), after_id=after)
        if case is None:
            self.message_user(request, "Nothing is left to do.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:cases_case_changelist"))
        self.log_change(request, case, "Claimed as the next.")
        return HttpResponseRedirect(_page(case.pk))

    def claim_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._at_once(request, object_id, claim_case, "Claimed.")

    def release_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._at_once(request, object_id, release_case, "Released.")

    def note_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        if refusal := _refuse(request):
            return refusal
        text = request.POST.get("text", "").strip()
        if text:
            case = get_object_or_404(Case, pk=object_id)
            try:
                is_new = note(case_id=case.pk, text=text, by_id=_who(request))
            except DomainError as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                if is_new:
                    self.log_change(request, case, f"Noted: {text}")
        return HttpResponseRedirect(_page(object_id))

    def _at_once(
        self, request: HttpRequest, object_id: int, verb: Callable[..., Case], sentence: str
    ) -> HttpResponse:
        """A verb that asks nothing."""
        if refusal := _refuse(request):
            return refusal
        case = get_object_or_404(Case, pk=object_id)
        try:
            verb(case_id=case.pk, by_id=_who(request))
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, case, sentence)
            self.message_user(request, sentence, messages.SUCCESS)
        return HttpResponseRedirect(_page(object_id))

    @action(description="Resolve", url_path="resolve", permissions=["resolve"], icon="check")
    def resolve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def act(case: Case, answers: Mapping[str, Any]) -> str:
            done = resolve(case_id=case.pk, why=answers["why"], by_id=_who(request))
            return "Proposed; a second person confirms it." if done.proposal else "Resolved."

        return self._ask(request, object_id, "Resolve", act)

    @action(description="Snooze", url_path="snooze", permissions=["snooze"], icon="snooze")
    def snooze(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def act(case: Case, answers: Mapping[str, Any]) -> str:
            until, why = answers["until"], answers["why"]
            snooze_case(case_id=case.pk, until=until, why=why, by_id=_who(request))
            return f"Snoozed until {until:%d.%m.%Y}."

        return self._ask(request, object_id, "Snooze", act, SnoozeForm(request.POST or None))

    @action(description="Assign", url_path="assign", permissions=["assign"], icon="person_add")
    def assign(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def act(case: Case, answers: Mapping[str, Any]) -> str:
            worker = answers["to"]
            why = answers["why"]
            assign_case(case_id=case.pk, to_id=worker.pk, why=why, by_id=_who(request))
            return f"Assigned to {worker}."

        return self._ask(request, object_id, "Assign", act, AssignForm(request.POST or None))

    @action(description="Confirm", url_path="confirm", permissions=["confirm"], icon="done_all")
    def confirm(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def act(case: Case, answers: Mapping[str, Any]) -> str:
            confirm_resolution(case_id=case.pk, why=answers["why"], by_id=_who(request))
            return "Confirmed; the case is resolved."

        return self._ask(request, object_id, "Confirm", act)

    @action(description="Refuse", url_path="refuse", permissions=["refuse"], icon="close")
    def refuse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def act(case: Case, answers: Mapping[str, Any]) -> str:
            refuse_resolution(case_id=case.pk, why=answers["why"], by_id=_who(request))
            return "Refused; the case is in the queue again."

        return self._ask(request, object_id, "Refuse", act)

    @action(description="Open again", url_path="reopen", permissions=["reopen"], icon="undo")
    def reopen(self, request: HttpRequest, object_id: int) -> HttpResponse:
        def act(case: Case, answers: Mapping[str, Any]) -> str:
            reopen(case_id=case.pk, why=answers["why"], by_id=_who(request))
            return "Open again."

        return self._ask(request, object_id, "Open again", act)

    def _ask(
        self,
        request: HttpRequest,
        object_id: int,
        verb: str,
        act: Callable[[Case, Mapping[str, Any]], str],
        form: forms.Form | None = None,
    ) -> HttpResponse:
        case = get_object_or_404(Case.objects.select_related("proposed_by"), pk=object_id)
        told = [f"{case.amount:,} TZS at stake. {case.detail}"]
        if case.proposal:
            told.append(f"{case.proposed_by} proposes: {case.proposal}")
        person = subject_of(case.subject).person
        return confirm_verb(
            self,
            request,
            row=case,
            name=case,
            verb=verb,
            sentences=[shown_text(request, sentence, person) for sentence in told],
            act=lambda answers: (case, act(case, answers)),
            form=form,
        )

    def has_work_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("cases.work_case")

    def has_assigning_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("cases.assign_case")

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, "cases.work_case", WORKABLE)

    def has_snooze_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, "cases.work_case", WORKABLE)

    def has_assign_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, "cases.assign_case", WORKABLE)

    def has_confirm_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        others = PROPOSED & ~Q(proposed_by_id=request.user.pk)
        return _may(request, object_id, "cases.confirm_case", others)

    def has_refuse_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever confirms may refuse; who proposed may take it back."""
        own = PROPOSED & Q(proposed_by_id=request.user.pk)
        return _may(request, object_id, "cases.confirm_case", PROPOSED) or _may(
            request, object_id, "cases.work_case", own, is_strict=True
        )

    def has_reopen_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return _may(request, object_id, "cases.work_case", Q(state=Case.State.RESOLVED))


def _may(
    request: HttpRequest, object_id: Any, permission: str, which: Q, *, is_strict: bool = False
) -> bool:
    """Offered for a case that the verb is open of; the service tells who sends a page too late."""
    if not request.user.has_perm(permission) or object_id is None:
        return False
    if request.method == "POST" and not is_strict:
        return True
    return Case.objects.filter(which, pk=object_id).exists()


def _refuse(request: HttpRequest) -> HttpResponse | None:
    """Raises PermissionDenied; a link that is only followed changes nothing."""
    if not request.user.has_perm("cases.work_case"):
        raise PermissionDenied
    return None if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def _who(request: HttpRequest) -> int:
    if request.user.pk is None:
        raise PermissionDenied
    return request.user.pk


def _page(case_id: int) -> str:
    return reverse("admin:cases_case_change", args=[case_id])
