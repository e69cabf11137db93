"""Providers' statements: files as they were uploaded, and the lines that were read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.admin import person_behind
from cases.models import Case
from common import phone as phones
from common.admin import (
    BusinessDays,
    Endless,
    MaskedInline,
    MaskedPhones,
    ModelAdmin,
    ReadOnly,
    Sought,
    WithPage,
    newest,
)
from common.confirmation import Question, ReasonForm, confirm
from payments.admin.labels import STATEMENT_LABELS
from payments.models import (
    FaultyRow,
    LineVersion,
    ProviderName,
    StatementFile,
    StatementLine,
    StatementProfile,
)
from payments.services.import_statement import read_again, take_file
from payments.services.statement_profiles import keep_built_in
from payments.statements.dates import ORDERS
from payments.statements.refusal import StatementRefused
from payments.statements.tables import LIMIT, refuse_by_size

FORM_AROUND_FILE = 100_000  # bytes that a browser sends besides the file, at most
REFRESH_SECONDS = "2"
UNFINISHED = (StatementFile.State.WAITING, StatementFile.State.READING)
ORDER_CHOICES = [("", "As the file shows"), *ORDERS.items()]


class HowItIsRead(forms.Form):
    """The profile and the order of dates, where the file itself cannot tell."""

    profile = forms.ModelChoiceField(
        StatementProfile.objects.none(),
        required=False,
        empty_label="Recognised by the header",
        widget=UnfoldAdminSelectWidget,
    )
    dates = forms.ChoiceField(
        label="Dates are written",
        required=False,
        choices=ORDER_CHOICES,
        help_text="Choose where a file of the first days of a month was refused",
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep_built_in()
        profile = self.fields["profile"]
        assert isinstance(profile, forms.ModelChoiceField)  # noqa: S101 - as declared above
        profile.queryset = StatementProfile.objects.all()


class UploadForm(HowItIsRead):
    provider = forms.ChoiceField(choices=ProviderName.choices, widget=UnfoldAdminSelectWidget)
    account = forms.RegexField(
        r"^[A-Za-z0-9]{3,30}$",
        label="Till or short code",
        help_text="Whose movements the file tells, as the provider numbers it",
        widget=UnfoldAdminTextInputWidget,
    )
    content = forms.FileField(
        label="File",
        max_length=150,
        help_text="CSV, XLSX or XLS, as the provider's portal exports it",
        widget=UnfoldAdminFileFieldWidget,
    )
    field_order = ["provider", "account", "content", "profile", "dates"]

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        profile = answers.get("profile")
        if profile is not None and profile.provider != answers.get("provider"):
            self.add_error("profile", "This profile is another provider's.")
        return answers


class ReadAgainForm(HowItIsRead, ReasonForm):
    field_order = ["profile", "dates", "why", "key"]


@dataclass(frozen=True, slots=True)
class FilePage:
    """What a file's page tells: three queries, whatever its size."""

    file: StatementFile
    percent: int
    is_unfinished: bool
    cases: list[Case]


@admin.register(StatementFile)
class StatementFileAdmin(ReadOnly, WithPage):
    list_display = [
        "name",
        "provider",
        "account",
        "shown_state",
        "period",
        "shown_rows",
        "shown_new",
        "shown_faulty",
        "balance_proof",
        "created_at",
    ]
    list_filter = ["state", "provider", "account", ("created_at", BusinessDays)]
    list_filter_submit = True
    list_per_page = 50
    search_fields = ["name", "account"]
    search_help_text = "Name, till"
    fields = ["profile", "dates_written", "uploaded_by", "created_at"]
    readonly_fields = ["dates_written"]
    change_form_outer_before_template = "payments/statement_file.html"
    actions_detail = ["download", "read_again"]

    @display(description="State", ordering="state", label=STATEMENT_LABELS)
    def shown_state(self, file: StatementFile) -> str:
        return file.state

    @display(description="Period", empty_value="None")
    def period(self, file: StatementFile) -> str:
        if file.begins_at is None or file.ends_at is None:
            return ""
        first, last = timezone.localtime(file.begins_at), timezone.localtime(file.ends_at)
        return f"{first:%d.%m.%Y} to {last:%d.%m.%Y}"

    @display(description="Dates are written", empty_value="Not found out yet")
    def dates_written(self, file: StatementFile) -> str:
        return ORDERS.get(file.dates, file.dates)

    @display(description="Rows", ordering="rows")
    def shown_rows(self, file: StatementFile) -> str:
        return f"{file.rows:,}"

    @display(description="New", ordering="rows_new")
    def shown_new(self, file: StatementFile) -> str:
        return f"{file.rows_new:,}"

    @display(description="Faulty", ordering="rows_faulty")
    def shown_faulty(self, file: StatementFile) -> str:
        return f"{file.rows_faulty:,}"

    @display(
        description="Balance", label={"Follows": "success", "Not told": "info", "Breaks": "danger"}
    )
    def balance_proof(self, file: StatementFile) -> str:
        if file.closing_balance is None:
            return "Not told"
        return "Breaks" if file.balance_breaks else "Follows"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("payments.import_statement")

    def get_urls(self) -> list[Any]:
        upload = path("add/", self._measured_first(), name="payments_statementfile_add")
        return [upload, *super().get_urls()]

    def _measured_first(self) -> Callable[[HttpRequest], HttpResponse]:
        """The upload's page, where what is far too large is refused before a byte of it is read.

        The check against forged requests would read it; it follows, as on every page of the admin.
        """
        checked: Callable[[HttpRequest], HttpResponse] = self.admin_site.admin_view(self.upload)

        @csrf_exempt
        def measured(request: HttpRequest) -> HttpResponse:
            is_allowed = self.admin_site.has_permission(request) and self.has_add_permission(
                request
            )
            size = int(request.META.get("CONTENT_LENGTH") or 0)
            if request.method == "POST" and is_allowed and size > LIMIT + FORM_AROUND_FILE:
                try:
                    refuse_by_size(size)
                except StatementRefused as refusal:
                    return self._upload_page(request, UploadForm(), str(refusal), status=413)
            return checked(request)

        return measured

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Takes a file and shows its page, where it can be watched being read."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if not form.is_valid():
            return self._upload_page(request, form)
        answers = form.cleaned_data
        content = answers["content"]
        try:
            file, is_new = take_file(
                content=content,
                name=content.name,
                provider=answers["provider"],
                account=answers["account"].upper(),
                by=person_behind(request),
                profile=answers["profile"],
                dates=answers["dates"],
            )
        except StatementRefused as refusal:
            form.add_error("content", str(refusal))
            return self._upload_page(request, form)
        if is_new:
            self.log_addition(request, file, "Uploaded")
        else:
            sentence = f"This file was taken on {timezone.localtime(file.created_at):%d.%m.%Y}."
            self.message_user(request, f"{sentence} Nothing was added.", messages.WARNING)
        return HttpResponseRedirect(_page_of(file))

    def _upload_page(
        self, request: HttpRequest, form: UploadForm, refusal: str = "", status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Upload a statement",
            "opts": self.model._meta,
            "form": form,
            "refusal": refusal,
            "limit": LIMIT,
            "back": reverse("admin:payments_statementfile_changelist"),
        }
        return TemplateResponse(request, "payments/upload_statement.html", context, status=status)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Looks again by itself as long as the file is being read."""
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        page = (getattr(answer, "context_data", None) or {}).get("page")
        if page is not None and page.is_unfinished:
            answer.headers["Refresh"] = REFRESH_SECONDS
        return answer

    def page_of(self, request: HttpRequest, row: StatementFile) -> FilePage:
        return _file_page(row)

    @action(
        description="Download",
        url_path="download",
        permissions=["download"],
        icon="download",
    )
    def download(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The file as it was uploaded. Who had it is recorded: it names customers."""
        file = get_object_or_404(StatementFile, pk=object_id)
        try:
            content = file.content.open("rb")
        except (OSError, ValueError):
            sentence = "The file is not in the storage any more; its lines are."
            self.message_user(request, sentence, messages.ERROR)
            return HttpResponseRedirect(_page_of(file))
        self.log_change(request, file, "Downloaded")
        return FileResponse(
            content,
            as_attachment=True,
            filename=file.name,
            content_type="application/octet-stream",
            headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        )

    @action(
        description="Read again", url_path="read-again", permissions=["read_again"], icon="refresh"
    )
    def read_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        file = get_object_or_404(StatementFile, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[StatementFile, str]:
            if not read_again(file=file, profile=answers["profile"], dates=answers["dates"]):
                raise StatementRefused("A task is reading this file now.")
            return file, "It is being read again."

        question = Question(
            title=f"Read again: {file.name}",
            button="Read again",
            back=_page_of(file),
            sentences=["Lines that are there already stay as they are; what is missing is added."],
        )
        form = ReadAgainForm(request.POST or None)
        return confirm(self, request, question=question, form=form, act=act)

    def has_download_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return request.user.has_perm("payments.import_statement")

    def has_read_again_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return request.user.has_perm("payments.import_statement")


def _page_of(file: StatementFile) -> str:
    return reverse("admin:payments_statementfile_change", args=[file.pk])


def _file_page(file: StatementFile) -> FilePage:
    subject = f"statement:{file.pk}"
    return FilePage(
        file=file,
        percent=100 * file.rows // max(file.rows_below_header, 1),
        is_unfinished=file.state in UNFINISHED,
        cases=list(Case.objects.filter(subject=subject, state=Case.State.OPEN)),
    )


class VersionInline(MaskedInline):
    model = LineVersion
    fields = ["version", "file", "row", "was", "replaced_at"]
    with_phones = ("was",)
    verbose_name_plural = "how it was told before"


@admin.register(StatementLine)
class StatementLineAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    with_phones = ("reference", "msisdn", "party", "details")
    list_display = [
        "receipt",
        "completed",
        "provider",
        "account",
        "kind",
        "shown_amount",
        "status",
        "reference",
        "msisdn",
        "bucket",
    ]
    list_filter = [
        "bucket",
        "kind",
        "provider",
        ("completed_at", BusinessDays),
        "moves_money",
        "balance_breaks",
    ]
    list_filter_submit = True
    list_per_page = 50
    ordering = ["-completed_at", "-id"]
    search_help_text = "Receipt, reference, phone in any form"
    exclude = ["part", "row_hash"]
    linked_by = ("file__id__exact",)
    inlines = [VersionInline]

    def sought(self, term: str) -> Iterator[QuerySet[StatementLine, int]]:
        yield newest(StatementLine.objects.filter(receipt=term.upper()))
        yield newest(StatementLine.objects.filter(reference=term))
        yield newest(StatementLine.objects.filter(msisdn=term))
        with suppress(phones.InvalidPhoneNumber):
            yield newest(StatementLine.objects.filter(msisdn=phones.parse(term)))

    @display(description="Completed", ordering="completed_at")
    def completed(self, line: StatementLine) -> str:
        return f"{timezone.localtime(line.completed_at):%d.%m.%Y %H:%M:%S}"

    @display(description="TZS", ordering="amount")
    def shown_amount(self, line: StatementLine) -> str:
        return f"{line.amount:,}"


@admin.register(FaultyRow)
class FaultyRowAdmin(MaskedPhones, ModelAdmin):
    with_phones = ("why", "text", "beginning")
    list_display = ["row", "why", "beginning", "file"]
    list_filter = [("file", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["file"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-file", "row"]
