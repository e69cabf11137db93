"""How files are read: profiles with their versions, and the wizard that makes one from a sample."""

from __future__ import annotations

from typing import Any, BinaryIO, cast
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.admin import person_behind
from common.admin import ModelAdmin, ReadOnly
from payments.admin.statements import ORDER_CHOICES
from payments.models import ProviderName, StatementLine, StatementProfile
from payments.services.dry_run import DryRun, dry_run, header_of
from payments.services.forget_samples import SAMPLES
from payments.services.statement_profiles import keep_built_in, save_profile
from payments.statements.columns import COLUMNS, FileMapping, guess, is_enough, plain
from payments.statements.refusal import StatementRefused

SAMPLE_LIMIT = 5_000_000  # bytes: read while somebody waits for the page
KEPT = "statement_sample"  # in the session: where the sample lies, and what it is for


class SampleForm(forms.Form):
    name = forms.CharField(
        label="Profile",
        max_length=60,
        help_text="An existing name makes its next version",
        widget=UnfoldAdminTextInputWidget,
    )
    provider = forms.ChoiceField(choices=ProviderName.choices, widget=UnfoldAdminSelectWidget)
    content = forms.FileField(
        label="Sample",
        help_text="A few real rows with the header, CSV, XLSX or XLS, at most 5 MB",
        widget=UnfoldAdminFileFieldWidget,
    )

    def clean_content(self) -> Any:
        content = self.cleaned_data["content"]
        if content.size > SAMPLE_LIMIT:
            raise forms.ValidationError("Take a shorter period: a sample has at most 5 MB.")
        try:
            header_of(content.file)
        except StatementRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return content


class ColumnsForm(forms.Form):
    """For each of our columns, which of the sample's it is."""

    dates = forms.ChoiceField(
        label="Dates are written",
        required=False,
        choices=ORDER_CHOICES,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, header: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [name.strip() for name in header if plain(name)]
        choices = [("", "Not in this file"), *((name, name) for name in dict.fromkeys(names))]
        for column in COLUMNS:
            self.fields[column.name] = forms.ChoiceField(
                label=column.label,
                required=False,
                choices=choices,
                widget=UnfoldAdminSelectWidget,
            )
        self.order_fields([*(column.name for column in COLUMNS), "dates"])

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not is_enough(self.mapping().columns):
            raise forms.ValidationError(
                "Choose at least the receipt, the time, and an amount: signed, or paid in and "
                "withdrawn."
            )
        return answers

    def mapping(self) -> FileMapping:
        chosen = {column.name: self.cleaned_data.get(column.name) for column in COLUMNS}
        columns = {ours: [name] for ours, name in chosen.items() if name}
        return FileMapping(columns, self.cleaned_data.get("dates", ""))


@admin.register(StatementProfile)
class StatementProfileAdmin(ReadOnly, ModelAdmin):
    list_display = ["name", "version", "provider", "shown_columns", "created_by", "created_at"]
    list_filter = ["provider"]
    list_select_related = ["created_by"]
    list_per_page = 50
    search_fields = ["name"]
    ordering = ["provider", "name", "-version"]

    @display(description="Columns")
    def shown_columns(self, profile: StatementProfile) -> str:
        return f"{len(profile.columns)}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatementProfile]:
        keep_built_in()
        rows: QuerySet[StatementProfile] = super().get_queryset(request)
        return rows

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("payments.import_statement")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("add/", view(self.sample), name="payments_statementprofile_add"),
            path("columns/", view(self.columns), name="payments_statementprofile_columns"),
            *super().get_urls(),
        ]

    def sample(self, request: HttpRequest) -> HttpResponse:
        """The first step: a sample, and what the profile is called."""
        self._require_permission(request)
        form = SampleForm(request.POST or None, request.FILES or None)
        if not form.is_valid():
            context = self._context(request, "A profile from a sample", form)
            return TemplateResponse(request, "payments/profile_sample.html", context)
        _forget_sample(request)
        content = form.cleaned_data["content"]
        content.seek(0)
        request.session[KEPT] = {
            "path": default_storage.save(f"{SAMPLES}/{uuid4().hex}", content),
            "name": form.cleaned_data["name"].strip(),
            "provider": form.cleaned_data["provider"],
        }
        return HttpResponseRedirect(reverse("admin:payments_statementprofile_columns"))

    def columns(self, request: HttpRequest) -> HttpResponse:
        """The second step: columns as guessed, corrected and tried, until they are saved."""
        self._require_permission(request)
        kept = request.session.get(KEPT)
        if not kept or not default_storage.exists(kept["path"]):
            return HttpResponseRedirect(reverse("admin:payments_statementprofile_add"))
        with default_storage.open(kept["path"]) as sample:
            content = cast(BinaryIO, sample.file)
            line, header = header_of(content, _header_line(request))
            form = ColumnsForm(header, request.POST or None, initial=guess(header))
            run, refusal = None, ""
            if form.is_valid():
                try:
                    run = dry_run(content, form.mapping())
                except StatementRefused as told:
                    refusal = str(told)
        if run is not None and "save" in request.POST:
            return self._save(request, kept, form.mapping())
        context = {
            **self._context(request, f"Columns of {kept['name']}", form),
            "line": line,
            "run": run,
            "sums": _sums(run) if run else [],
            "refusal": refusal,
        }
        return TemplateResponse(request, "payments/profile_columns.html", context)

    def _save(
        self, request: HttpRequest, kept: dict[str, str], mapping: FileMapping
    ) -> HttpResponse:
        profile = save_profile(
            name=kept["name"],
            provider=kept["provider"],
            columns=mapping.columns,
            dates=mapping.dates,
            by=person_behind(request),
        )
        _forget_sample(request)
        self.log_addition(request, profile, "Made from a sample")
        self.message_user(request, f"{profile} is used from now on.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:payments_statementprofile_changelist"))

    def _require_permission(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied

    def _context(self, request: HttpRequest, title: str, form: forms.Form) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "form": form,
            "back": reverse("admin:payments_statementprofile_changelist"),
        }


def _sums(run: DryRun) -> list[tuple[str, int, int]]:
    """Kind, number of lines and TZS, as they are called on the page."""
    return [
        (StatementLine.Kind(kind).label, of_kind.lines, of_kind.amount)
        for kind, of_kind in sorted(run.sums.items())
    ]


def _header_line(request: HttpRequest) -> int:
    written = request.GET.get("header", "")
    return int(written) if written.isascii() and written.isdigit() else 0


def _forget_sample(request: HttpRequest) -> None:
    kept = request.session.pop(KEPT, None)
    if kept:
        default_storage.delete(kept["path"])
