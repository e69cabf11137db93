"""Business days: how each stands, what it is closed with, and the certificates to take away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http import StreamingHttpResponse as Streamed
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin import person_behind
from common.admin import ModelAdmin, ReadOnly
from common.clock import day_bounds
from common.confirmation import Question, ReasonForm, confirm
from common.exports import csv_pages
from payments.admin.matching import decide_link
from payments.days.calendar import Standing, pages, shown_days, standing_of, standings
from payments.days.certificates import Row, balances, differences, rows_of, tallies, total
from payments.days.differences import Difference
from payments.days.figures import Figures, figures_of
from payments.days.tills import Till, all_tills, till_of
from payments.models import Certificate, DayClose, Reopening
from payments.services.close_day import close_day
from payments.services.reopen_day import ask_to_reopen, decide_reopening

DAYS_A_PAGE = 31
LISTED = 200  # differences on the page; the CSV has them all
APPROVE, REJECT = "approve", "reject"


class CloseForm(ReasonForm):
    why = forms.CharField(
        label="Remark",
        max_length=255,
        required=False,
        help_text="Has to explain breaks of the balance, where there are any",
        widget=UnfoldAdminTextInputWidget,
    )


class DecideForm(ReasonForm):
    decision = forms.ChoiceField(
        choices=[(APPROVE, "Open the day again"), (REJECT, "Leave it closed")],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["decision", "why", "key"]


@dataclass(frozen=True, slots=True)
class DayPage:
    """What the page of one day of one till shows."""

    standing: Standing
    figures: Figures
    balances: list[Row]
    tallies: dict[str, list[Row]]
    differences: list[tuple[Row, str]]  # each with the page that tells more of it, or ""
    more: int
    total: int
    certificates: list[Certificate]
    reopenings: list[Reopening]

    @property
    def apart(self) -> int:
        return self.figures.closing - self.figures.ledger_closing


def page_of(till: Till, day: date) -> DayPage:
    """A closed day shows its certificate, another one what the database has now."""
    row = DayClose.objects.filter(provider=till.provider, kind=till.kind, day=day).first()
    certificates = list(row.certificates.select_related("closed_by")) if row else []
    is_closed = row is not None and row.state == DayClose.State.CLOSED
    figures = Figures.kept(certificates[0].figures) if is_closed else figures_of(till, day)
    listed = [*zip(differences(figures), map(_told_at, figures.differences), strict=True)]
    reopenings = row.reopenings.select_related("asked_by", "decided_by") if row else []
    return DayPage(
        standing=standing_of(till, day),
        figures=figures,
        balances=balances(figures),
        tallies=tallies(figures),
        differences=listed[:LISTED],
        more=max(len(listed) - LISTED, 0),
        total=total(figures),
        certificates=certificates,
        reopenings=list(reopenings),
    )


# By how a difference is named, the list that is searched by the rest of the name.
LISTS = {
    "payment": "payments_payment",
    "transfer": "payments_transfer",
    "posting": "payments_posting",
}


def _told_at(difference: Difference) -> str:
    """The page of its first line, else the list that finds what was booked."""
    if difference.lines:
        line, _ = difference.lines[0]
        return decide_link(line)
    kind, _, name = difference.subject.partition(":")
    if kind not in LISTS:
        return ""
    return f"{reverse(f'admin:{LISTS[kind]}_changelist')}?{urlencode({'q': name})}"


@admin.register(DayClose)
class DayCloseAdmin(ReadOnly, ModelAdmin):
    """The list is a calendar, made of days and not of rows: most have none."""

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Any, name: str) -> URLPattern:
            guarded = self.admin_site.admin_view(view)
            pattern: URLPattern = path(route, guarded, name=f"payments_dayclose_{name}")
            return pattern

        day = "<str:provider>/<str:kind>/<str:day>/"
        return [
            own("reopenings/<int:key>/", self.decide, "decide"),
            own("certificates/<int:key>.pdf", self.pdf, "pdf"),
            own("certificates/<int:key>.csv", self.csv, "csv"),
            own(day, self.day_page, "day"),
            own(f"{day}close/", self.close, "close"),
            own(f"{day}reopen/", self.reopen, "reopen"),
            *super().get_urls(),
        ]

    def links(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """What else the calendar leads to: titles with addresses."""
        return []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._may_see(request)
        asked = request.GET.get("p", "1")
        last = pages(DAYS_A_PAGE)
        page = min(max(int(asked) if asked.isascii() and asked.isdigit() else 1, 1), last)
        tills = all_tills()
        days = shown_days(page, DAYS_A_PAGE)
        by_day: dict[date, list[Standing]] = {day: [] for day in days}
        for standing in standings(tills, days):
            by_day[standing.day].append(standing)
        context = {
            **self.admin_site.each_context(request),
            "title": "Business days",
            "tills": tills,
            "rows": by_day.items(),
            "page": page,
            "pages": last,
            "links": self.links(request),
        }
        return TemplateResponse(request, "payments/days.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The audit trail leads here by a row's key."""
        self._may_see(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return HttpResponseRedirect(_address(row.provider, row.kind, row.day))

    def day_page(self, request: HttpRequest, provider: str, kind: str, day: str) -> HttpResponse:
        self._may_see(request)
        till, when = _till(provider, kind), _day(day)
        page = page_of(till, when)
        state = page.standing.state
        context = {
            **self.admin_site.each_context(request),
            "title": f"{till.name}, {when:%d.%m.%Y}",
            "page": page,
            "may_close": state == "ready" and request.user.has_perm("payments.close_day"),
            "may_reopen": state in ("closed", "changed")
            and request.user.has_perm("payments.reopen_day"),
        }
        return TemplateResponse(request, "payments/day.html", context)

    def close(self, request: HttpRequest, provider: str, kind: str, day: str) -> HttpResponse:
        if not request.user.has_perm("payments.close_day"):
            raise PermissionDenied
        till, when = _till(provider, kind), _day(day)

        def act(answers: Mapping[str, Any]) -> tuple[DayClose, str]:
            certificate = close_day(
                till=till, day=when, by=person_behind(request), note=answers["why"]
            )
            return certificate.day_close, f"Closed: {certificate}."

        question = Question(
            title=f"Close {till.name}, {when:%d.%m.%Y}",
            button="Close the day",
            back=_address(provider, kind, when),
            sentences=[
                "Fees, settlements and top-ups of the statement are booked, where they are not yet.",
                "Open differences are certified as they are, each with its case.",
                "It can be opened again by two people only.",
            ],
        )
        return confirm(
            self, request, question=question, form=CloseForm(request.POST or None), act=act
        )

    def reopen(self, request: HttpRequest, provider: str, kind: str, day: str) -> HttpResponse:
        if not request.user.has_perm("payments.reopen_day"):
            raise PermissionDenied
        till, when = _till(provider, kind), _day(day)

        def act(answers: Mapping[str, Any]) -> tuple[DayClose, str]:
            asked = ask_to_reopen(
                till=till, day=when, by=person_behind(request), why=answers["why"]
            )
            return asked.day_close, "Asked for; a second person decides."

        question = Question(
            title=f"Open {till.name}, {when:%d.%m.%Y} again",
            button="Ask for it",
            back=_address(provider, kind, when),
            sentences=["A second person decides. The closed days after it are opened with it."],
        )
        form = ReasonForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def decide(self, request: HttpRequest, key: int) -> HttpResponse:
        if not request.user.has_perm("payments.reopen_day"):
            raise PermissionDenied
        asked = get_object_or_404(Reopening.objects.select_related("day_close", "asked_by"), pk=key)
        row = asked.day_close

        def act(answers: Mapping[str, Any]) -> tuple[DayClose, str]:
            opened = decide_reopening(
                reopening_id=key,
                by=person_behind(request),
                why=answers["why"],
                is_approved=answers["decision"] == APPROVE,
            )
            if not opened:
                return row, "It stays closed."
            return row, f"Open again: {', '.join(f'{each.day:%d.%m.%Y}' for each in opened)}."

        question = Question(
            title=f"Decide: open {row} again",
            button="Decide",
            back=_address(row.provider, row.kind, row.day),
            sentences=[
                f"{asked.asked_by} asks for it: {asked.why}",
                "The closed days after it are opened with it; all certificates are kept.",
            ],
        )
        form = DecideForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def pdf(self, request: HttpRequest, key: int) -> HttpResponseBase:
        from payments.days.certificate_pdf import pdf_of

        certificate = self._taken(request, key, "PDF")
        return _attached(HttpResponse(pdf_of(certificate)), certificate, "pdf", "application/pdf")

    def csv(self, request: HttpRequest, key: int) -> HttpResponseBase:
        certificate = self._taken(request, key, "CSV")
        answer = Streamed(csv_pages(rows_of(certificate)))
        return _attached(answer, certificate, "csv", "text/csv; charset=utf-8")

    def _taken(self, request: HttpRequest, key: int, kind: str) -> Certificate:
        """The certificate, with a note of who took it away."""
        self._may_see(request)
        rows = Certificate.objects.select_related("day_close", "closed_by")
        certificate = get_object_or_404(rows, pk=key)
        sentence = f"Downloaded the certificate, version {certificate.version}, as {kind}."
        self.log_change(request, certificate.day_close, sentence)
        return certificate

    def _may_see(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _attached(
    answer: HttpResponseBase, certificate: Certificate, ending: str, content_type: str
) -> HttpResponseBase:
    row = certificate.day_close
    name = f"{row.provider}-{row.kind}-{row.day}-v{certificate.version}.{ending}"
    answer["Content-Type"] = content_type
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _address(provider: str, kind: str, day: date) -> str:
    return reverse("admin:payments_dayclose_day", args=[provider, kind, day.isoformat()])


def _till(provider: str, kind: str) -> Till:
    try:
        return till_of(provider, kind)
    except LookupError as error:
        raise Http404 from error


def _day(text: str) -> date:
    """A day whose beginning and end are times, which the first and the last that there are have not."""
    try:
        day = date.fromisoformat(text)
        day_bounds(day)
    except (ValueError, OverflowError) as error:
        raise Http404 from error
    return day
