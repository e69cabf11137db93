"""Matches, the rules' tolerances, and the page on which a line is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin import person_behind
from accounts.models import User
from common import phone as phones
from common.admin import BusinessDays, Endless, MaskedPhones, ModelAdmin, OneRow, Sought, newest
from common.confirmation import Question, ReasonForm, confirm
from common.shown_phone import shown_phone, shown_text
from payments.admin.labels import MATCH_LABELS
from payments.models import (
    Bucket,
    CreditRequest,
    Match,
    MatchingRules,
    StatementLine,
    TransferRules,
)
from payments.services.decide_match import (
    Target,
    accept_success,
    confirm_match,
    match_by_hand,
    undo_match,
)
from payments.services.place_line import PLACEABLE, place_line

SHOWN = 20  # candidates; a line that fits more of them is for a search


class ReferenceForm(ReasonForm):
    reference = forms.CharField(
        label="Our reference of the payment or transfer",
        max_length=20,
        widget=UnfoldAdminTextInputWidget,
    )
    field_order = ["reference", "why", "key"]


class CustomerForm(ReasonForm):
    customer = forms.CharField(
        label="Customer's e-mail or phone", max_length=254, widget=UnfoldAdminTextInputWidget
    )
    field_order = ["customer", "why", "key"]

    def clean_customer(self) -> User:
        typed = self.cleaned_data["customer"].strip()
        try:
            found = User.objects.filter(phone=phones.parse(typed)).first()
        except phones.InvalidPhoneNumber:
            found = User.objects.filter(email=typed.lower()).first()
        if found is None:
            raise forms.ValidationError("Nobody has this e-mail address or phone.")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a line may be of, beside the line: how far they are apart, and why it is shown."""

    name: str
    link: str
    state: str
    amount: int
    amount_apart: int
    phone: str
    is_same_phone: bool
    receipt: str
    at: datetime
    time_apart: str
    why: str
    match: Match | None
    reference: str
    is_done: bool
    other_receipt: str  # of another line that it is matched with


@admin.register(Match)
class MatchAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    with_phones = ("why",)
    list_display = ["line", "shown_amount", "of", "rule", "shown_state", "is_live", "by", "at"]
    list_filter = ["state", "rule", "is_live", ("at", BusinessDays)]
    list_filter_submit = True
    list_prefetch = ["line", "attempt", "transfer", "posting", "by"]
    list_per_page = 50
    search_help_text = "The statement's receipt, or our reference"
    exclude = ["holds_line", "holds_attempt", "holds_transfer"]
    actions_detail = ["confirm_it", "undo", "the_line"]

    def sought(self, term: str) -> Iterator[QuerySet[Match, int]]:
        for name in ("line__receipt", "attempt__reference", "transfer__reference"):
            yield newest(Match.objects.filter(**{name: term.upper()}))

    @display(description="TZS")
    def shown_amount(self, match: Match) -> str:
        return f"{match.line.amount:,}"

    @display(description="Of")
    def of(self, match: Match) -> str:
        return str(match.attempt or match.transfer or match.posting)

    @display(description="State", ordering="state", label=MATCH_LABELS)
    def shown_state(self, match: Match) -> str:
        return match.state

    def get_urls(self) -> list[URLPattern]:
        """The line's page and its verbs; the line's own page is where statements are shown."""
        verbs = {
            "decide": self.decide,
            "match": self.match,
            "accept": self.accept,
            "place": self.place,
        }
        pages = [
            path(
                f"line/<int:line_id>/{verb}/",
                self.admin_site.admin_view(page),
                name=f"payments_statementline_{verb}",
            )
            for verb, page in verbs.items()
        ]
        return [*pages, *super().get_urls()]

    def decide(self, request: HttpRequest, line_id: int) -> HttpResponse:
        """The line beside what it may be of, with what can be done now."""
        line = get_object_or_404(StatementLine.objects.select_related("file"), pk=line_id)
        if not request.user.has_perm("payments.view_match"):
            return self._forbidden()
        matches = list(
            Match.objects.filter(line=line).select_related(
                "attempt__payment", "transfer", "posting", "by"
            )
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"{line.receipt}: {line.get_bucket_display()}",
            "line": line,
            "phone": shown_text(request, f"{line.msisdn} {line.party}".strip()),
            "reference": shown_text(request, line.reference),
            "details": shown_text(request, line.details),
            "beside": _beside(request, line, matches),
            "matches": matches,
            "may_decide": request.user.has_perm("payments.decide_match"),
            "is_open": line.bucket != Bucket.MATCHED,
            "is_placeable": line.bucket in PLACEABLE and line.amount > 0,
        }
        return TemplateResponse(request, "payments/decide_line.html", context)

    def match(self, request: HttpRequest, line_id: int) -> HttpResponse:
        limit = TransferRules.current().four_eyes_above
        return self._verb(
            request,
            line_id,
            verb="Match by hand",
            form=ReferenceForm(request.POST or None, initial=_named(request)),
            sentences=[
                "Nothing is adjusted: the amounts have to agree.",
                f"Above {limit:,} TZS somebody else has to confirm it.",
            ],
            act=match_by_hand,
        )

    def accept(self, request: HttpRequest, line_id: int) -> HttpResponse:
        return self._verb(
            request,
            line_id,
            verb="Accept as paid",
            form=ReferenceForm(request.POST or None, initial=_named(request)),
            sentences=[
                "The payment is settled with this line as the evidence: the customer is served, "
                "or the money becomes the customer's credit.",
            ],
            act=accept_success,
        )

    def place(self, request: HttpRequest, line_id: int) -> HttpResponse:
        def act(*, line_id: int, customer: User, by: User, why: str) -> object:
            return place_line(line_id=line_id, customer_id=customer.pk, by=by, why=why)

        return self._verb(
            request,
            line_id,
            verb="Give to a customer",
            form=CustomerForm(request.POST or None),
            sentences=[
                "It becomes the credit of the customer, who is told by SMS.",
                f"Above {TransferRules.current().four_eyes_above:,} TZS somebody else has to approve it.",
            ],
            act=act,
        )

    def _verb(
        self,
        request: HttpRequest,
        line_id: int,
        *,
        verb: str,
        form: forms.Form,
        sentences: list[str],
        act: Callable[..., object],
    ) -> HttpResponse:
        line = get_object_or_404(StatementLine, pk=line_id)
        if not request.user.has_perm("payments.decide_match"):
            return self._forbidden()

        def decide(answers: Mapping[str, Any]) -> tuple[StatementLine, str]:
            wanted = {name: answers[name] for name in answers if name != "key"}
            made = act(line_id=line.pk, by=person_behind(request), **wanted)
            line.refresh_from_db()
            return line, f"{line.receipt}: {line.get_bucket_display().lower()}, {_said(made)}."

        question = Question(
            title=f"{verb}: {line.receipt}",
            button=verb,
            back=decide_link(line.pk),
            sentences=[
                shown_text(
                    request, f"{line.amount:+,} {line.currency}, {line.party or line.msisdn}"
                ),
                *sentences,
            ],
        )
        return confirm(self, request, question=question, form=form, act=decide)

    @action(description="Confirm", url_path="confirm", permissions=["confirm"], icon="check")
    def confirm_it(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._on_match(
            request, object_id, "Confirm", confirm_match, "Only where you have seen that it is so."
        )

    @action(description="Undo", url_path="undo", permissions=["undo"], icon="undo")
    def undo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._on_match(
            request,
            object_id,
            "Undo",
            undo_match,
            "It stays on record with a contra, and the rules will not make it again.",
        )

    @action(description="The line", url_path="line", icon="compare_arrows")
    def the_line(self, request: HttpRequest, object_id: int) -> HttpResponse:
        match = get_object_or_404(Match, pk=object_id)
        return self.decide(request, match.line_id)

    def _on_match(
        self,
        request: HttpRequest,
        object_id: int,
        verb: str,
        decide: Callable[..., object],
        sentence: str,
    ) -> HttpResponse:
        match = get_object_or_404(Match.objects.select_related("line"), pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Match, str]:
            decide(match_id=match.pk, by=person_behind(request), why=answers["why"])
            line = StatementLine.objects.get(pk=match.line_id)
            return match, f"{line.receipt}: {line.get_bucket_display().lower()}."

        of = match.attempt or match.transfer or match.posting
        question = Question(
            title=f"{verb}: {match.line.receipt} with {of}",
            button=verb,
            back=decide_link(match.line_id),
            sentences=[
                f"{match.line.amount:+,} TZS, {match.get_rule_display().lower()}: "
                f"{shown_text(request, match.why)}",
                sentence,
            ],
        )
        return confirm(
            self, request, question=question, form=ReasonForm(request.POST or None), act=act
        )

    def has_confirm_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        return _may(request, object_id, [Match.State.SUGGESTED])

    def has_undo_permission(self, request: HttpRequest, object_id: str | int | None = None) -> bool:
        return _may(request, object_id, [Match.State.SUGGESTED, Match.State.CONFIRMED])

    def _forbidden(self) -> HttpResponse:
        return HttpResponse("You may not decide about lines.", status=403)


@admin.register(MatchingRules)
class MatchingRulesAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "suggest_under", "early_minutes", "window_hours", "wait_hours"]


def decide_link(line_id: int) -> str:
    """The page on which a line is decided."""
    return reverse("admin:payments_statementline_decide", args=[line_id])


def _may(request: HttpRequest, object_id: str | int | None, states: list[Match.State]) -> bool:
    if object_id is None or not request.user.has_perm("payments.decide_match"):
        return False
    # A page that is sent twice is told what has become of it.
    rows = Match.objects.filter(pk=object_id)
    return (
        rows if request.method == "POST" else rows.filter(is_live=True, state__in=states)
    ).exists()


def _named(request: HttpRequest) -> dict[str, str]:
    return {"reference": request.GET.get("reference", "")}


def _said(made: object) -> str:
    if isinstance(made, CreditRequest):
        return "a second person has to approve it as credit"
    return f"of {made.attempt or made.transfer}" if isinstance(made, Match) else f"of {made}"


def _beside(request: HttpRequest, line: StatementLine, matches: list[Match]) -> list[Beside]:
    """Live matches first, then the candidates that the last run found."""
    found: list[tuple[Target, str, Match | None]] = [
        (Target(match.attempt, match.transfer), f"{match.rule}: {match.why}", match)
        for match in matches
        if match.is_live and match.posting is None
    ]
    candidates = line.candidates.select_related("attempt__payment", "transfer")
    found += [
        (Target(each.attempt, each.transfer), f"{each.rule}: {each.why}", None)
        for each in candidates.order_by("rule", "pk")[:SHOWN]
    ]
    receipts = _other_receipts(line, [target for target, _, _ in found])
    shown: dict[str, Beside] = {}
    for target, why, match in found:
        reference = _named_by(target)
        if reference and reference not in shown:
            shown[reference] = _one_beside(
                request, line, target, why, match, receipts.get(reference, "")
            )
    return list(shown.values())


def _named_by(target: Target) -> str:
    other = target.attempt or target.transfer
    return other.reference if other else ""


def _other_receipts(line: StatementLine, targets: list[Target]) -> dict[str, str]:
    """Our reference → the receipt of the line that it has since the candidates were looked for.

    A reversal is of a payment that has one.
    """
    if line.kind == StatementLine.Kind.REVERSAL:
        return {}
    attempts = [target.attempt.pk for target in targets if target.attempt]
    transfers = [target.transfer.pk for target in targets if target.transfer]
    taken = Match.objects.filter(
        Q(attempt__in=attempts, holds_attempt=True) | Q(transfer__in=transfers, holds_transfer=True)
    )
    return {
        _named_by(Target(match.attempt, match.transfer)): match.line.receipt
        for match in taken.exclude(line=line).select_related("line", "attempt", "transfer")
    }


def _one_beside(
    request: HttpRequest,
    line: StatementLine,
    target: Target,
    why: str,
    match: Match | None,
    other_receipt: str,
) -> Beside:
    attempt, transfer = target.attempt, target.transfer
    other = attempt or transfer
    phone = attempt.customer_phone if attempt else transfer.phone if transfer else ""
    link = (
        reverse("admin:payments_payment_change", args=[attempt.payment_id])
        if attempt
        else reverse("admin:payments_transfer_change", args=[other.pk])  # type: ignore[union-attr]  # one is set
    )
    state = attempt.get_status_display() if attempt else transfer.get_state_display()  # type: ignore[union-attr]  # one is set
    return Beside(
        name=str(other),
        link=link,
        state=state,
        amount=target.amount,
        amount_apart=abs(line.amount) - target.amount,
        phone=shown_phone(request, phone),
        is_same_phone=phone == line.msisdn,
        receipt=other.provider_transaction_id or "",  # type: ignore[union-attr]  # one is set
        at=other.created_at,  # type: ignore[union-attr]  # one is set
        time_apart=_apart(line.completed_at - other.created_at),  # type: ignore[union-attr]  # one is set
        why=why,
        match=match,
        reference=_named_by(target),
        is_done=target.is_done,
        other_receipt=other_receipt,
    )


def _apart(later: timedelta) -> str:
    minutes = round(later.total_seconds() / 60)
    return f"{abs(minutes):,} min {'after' if minutes < 0 else 'before'} the line"
