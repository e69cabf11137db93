"""What staff may do with one payment: each verb a service's, asked for with a reason, and logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from accounts.admin import person_behind
from backoffice.notes import NoteForm, add_note, may_note
from bundles.models import Activation, Purchase
from bundles.services.unused import pro_rata, unused
from common import phone as phones
from common.admin import ModelAdmin
from common.confirmation import ReasonForm, confirm_verb
from common.sizes import in_words
from payments.models import CreditRequest, Disposition, Payment, Transfer
from payments.selectors import latest_attempt
from payments.services.ask_now import ask_now
from payments.services.follow_up import follow_up_now
from payments.services.query import can_ask_now
from payments.services.refund import refund_payment, refundable
from payments.services.refund_to_credit import creditable, refund_to_credit
from payments.states import State
from vpn.models import Peer
from vpn.selectors import first_peer
from vpn.services.tell import tell_again

Act = Callable[[Mapping[str, Any]], tuple[Payment, str]]


ENDS, GOES_ON = "ends", "goes_on"


class RefundForm(ReasonForm):
    """`service` is asked while something is served: nobody is refunded for it and served by mistake."""

    amount = forms.IntegerField(
        label="Amount, TZS", min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    service = forms.ChoiceField(
        label="What was bought",
        choices=[
            (ENDS, "Ends now: the amount is for what is not used"),
            (GOES_ON, "Goes on: the amount is a gesture"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["amount", "service", "why", "key"]

    def __init__(self, data: Any, *, is_served: bool, left: int, **given: Any) -> None:
        super().__init__(data, **given)
        self.left = left
        if not is_served:
            del self.fields["service"]

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        if answers.get("service") == GOES_ON and answers.get("amount") == self.left:
            self.add_error("service", "What all the money goes back for cannot go on.")
        return answers


class PaymentVerbs(ModelAdmin):
    """The verbs of a payment's page; each is offered only while it is legal."""

    actions_detail = [
        "ask_the_provider",
        "activate_again",
        "send_configuration",
        "refund",
        "refund_to_credit",
        "note",
    ]

    @action(
        description="Ask the provider now",
        url_path="ask-the-provider",
        permissions=["ask_the_provider"],
        icon="contact_support",
    )
    def ask_the_provider(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            before = payment.state
            has_answer = ask_now(payment=payment)
            payment.refresh_from_db()
            if not has_answer:
                return payment, (
                    "No answer yet: the provider cannot be asked about this now, or is slow."
                )
            if payment.state == before:
                return payment, "The provider was asked; nothing is new."
            return payment, f"The provider was asked: {payment.get_state_display()}."

        return self._ask(
            request,
            payment,
            "Ask the provider now",
            ["Its answer counts as any other: what is paid is served. It may take some seconds."],
            act,
        )

    @action(
        description="Activate again",
        url_path="activate-again",
        permissions=["activate_again"],
        icon="bolt",
    )
    def activate_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            if follow_up_now(payment_id=payment.pk):
                return payment, "It is activated."
            return payment, "It is not activated: read below what has become of it."

        return self._ask(
            request,
            payment,
            "Activate again",
            ["It is paid and has bought nothing yet. What fails again goes on being tried."],
            act,
        )

    @action(
        description="Send the configuration",
        url_path="send-configuration",
        permissions=["send_configuration"],
        icon="sms",
    )
    def send_configuration(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            peer = _device(payment)
            if peer is None:
                return payment, "Nothing was sent: it has no device by now."
            phone = tell_again(peer=peer, request_key=answers["key"])
            return payment, f"An SMS with a new link goes to {phones.mask(phone)}."

        return self._ask(
            request,
            payment,
            "Send the configuration",
            ["An SMS with a link that shows the configuration once, for a day."],
            act,
        )

    @action(description="Refund", url_path="refund", permissions=["refund"], icon="undo")
    def refund(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)
        left = refundable(payment)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            transfer = refund_payment(
                payment_id=payment.pk,
                request_key=f"refund:{answers['key']}",
                why=answers["why"],
                amount=answers["amount"],
                by=person_behind(request),
                ends_service=answers.get("service") == ENDS,
            )
            return payment, _refund_sentence(transfer)

        sentences = [
            f"{left:,} TZS of this payment can go back, to the phone that paid.",
            *_proposals(payment, left),
            "What was bought ends at once, as soon as the refund is asked for, unless you choose that "
            "it goes on. A large refund waits for a second person.",
        ]
        form = RefundForm(
            request.POST or None,
            is_served=_activation(payment) is not None,
            left=left,
            initial={"amount": _preset(request, left)},
        )
        return self._ask(request, payment, "Refund", sentences, act, form)

    @action(
        description="Back to credit",
        url_path="refund-to-credit",
        permissions=["refund_to_credit"],
        icon="undo",
    )
    def refund_to_credit(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            made = refund_to_credit(
                payment_id=payment.pk, why=answers["why"], by=person_behind(request)
            )
            if isinstance(made, CreditRequest):
                return payment, f"A second person has to approve these {made.amount:,} TZS."
            return payment, f"{made:,} TZS are credit again."

        sentences = [
            f"Credit alone has paid for this: {creditable(payment):,} TZS become credit again.",
            "It ends what was bought. A large amount waits for a second person, and is served until then.",
        ]
        return self._ask(request, payment, "Back to credit", sentences, act)

    @action(description="Add a note", url_path="note", permissions=["note"], icon="edit_note")
    def note(self, request: HttpRequest, object_id: int) -> HttpResponse:
        payment = get_object_or_404(Payment, pk=object_id)

        def act(answers: Mapping[str, Any]) -> tuple[Payment, str]:
            add_note(
                subject=f"payment:{payment.public_id}",
                text=answers["why"],
                author=person_behind(request),
                key=answers["key"],
            )
            return payment, "The note is kept."

        return self._ask(
            request,
            payment,
            "Add a note",
            ["Everybody who reads this payment or its customer reads it. It is never changed."],
            act,
            NoteForm(request.POST or None),
        )

    def _ask(
        self,
        request: HttpRequest,
        payment: Payment,
        verb: str,
        sentences: list[str],
        act: Act,
        form: ReasonForm | None = None,
    ) -> HttpResponse:
        return confirm_verb(
            self,
            request,
            row=payment,
            name=payment.payer,
            verb=verb,
            sentences=sentences,
            act=act,
            form=form,
        )

    def has_ask_the_provider_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered to staff who work on cases, for a payment that can be asked about now."""
        if not request.user.has_perm("cases.work_case") or object_id is None:
            return False
        payment = Payment.objects.filter(pk=object_id).first()
        attempt = latest_attempt(payment) if payment else None
        # A page that is sent twice is told what has become of it.
        return attempt is not None and (
            request.method == "POST" or can_ask_now(attempt, timezone.now())
        )

    def has_activate_again_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for money that has bought nothing yet."""
        if not request.user.has_perm("bundles.activate_again") or object_id is None:
            return False
        paid = Payment.objects.filter(pk=object_id, state=State.COMPLETED)
        # A page that is sent twice is answered as at first, though it is activated by then.
        return request.method == "POST" or paid.filter(disposition=Disposition.OPEN).exists()

    def has_send_configuration_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for a payment whose device may connect."""
        if not request.user.has_perm("vpn.change_peer") or object_id is None:
            return False
        payment = Payment.objects.filter(pk=object_id).first()
        return payment is not None and _device(payment) is not None

    def has_refund_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for a payment of which something can go back now."""
        return _may_give_back(request, object_id, refundable)

    def has_refund_to_credit_permission(
        self, request: HttpRequest, object_id: str | int | None = None
    ) -> bool:
        """Offered for a payment that credit alone has paid, while something of it can go back."""
        return _may_give_back(request, object_id, creditable)

    def has_note_permission(self, request: HttpRequest, object_id: str | int | None = None) -> bool:
        return may_note(request)


def _may_give_back(
    request: HttpRequest, object_id: str | int | None, left: Callable[[Payment], int]
) -> bool:
    if not request.user.has_perm("payments.request_transfer") or object_id is None:
        return False
    payment = Payment.objects.filter(pk=object_id, state=State.COMPLETED).first()
    # A page that is sent twice is answered as at first, though nothing is left by then.
    return payment is not None and (request.method == "POST" or left(payment) > 0)


def _activation(payment: Payment) -> Activation | None:
    """What this payment's money has bought and still pays for."""
    if not payment.subject or payment.disposition != Disposition.FULFILLED:
        return None
    bought = Activation.objects.filter(
        purchase=Purchase.id_from(payment.subject), withdrawn_at=None
    )
    return bought.select_related("purchase", "subscription").first()


def _device(payment: Payment) -> Peer | None:
    activation = _activation(payment)
    peer = first_peer(activation.subscription) if activation else None
    return peer if peer is not None and peer.is_usable else None


def _proposals(payment: Payment, left: int) -> Iterator[str]:
    """What the unused part of the price is, each a link that fills it in, never more than is left."""
    activation = _activation(payment)
    if activation is None:
        return
    if _runs_on(activation):
        yield (
            "Another purchase pays for the same service and goes on with its own days and data alone: "
            "no part of this one can be said to be unused."
        )
        return
    part = unused(activation, timezone.now())
    shares = pro_rata(activation.purchase.price, part)
    days = f"{part.days:.1f} of {part.of_days}"
    data = f"{in_words(part.data_bytes)} of {in_words(part.of_bytes)}"
    for what, share in ((f"days ({days})", shares.by_days), (f"data ({data})", shares.by_bytes)):
        amount = min(share, left)
        if amount:
            link = '<a href="?amount={}" class="underline">{} TZS</a>'
            yield format_html("By unused {}: " + link + ".", what, amount, f"{amount:,}")
        else:
            yield f"By unused {what}: nothing."


def _runs_on(activation: Activation) -> bool:
    """Whether another purchase keeps the subscription alive; it ends only with the last one."""
    others = activation.subscription.activations.filter(withdrawn_at=None)
    return others.exclude(pk=activation.pk).exists()


def _preset(request: HttpRequest, left: int) -> int:
    """The amount of the page's address; all that is left without one."""
    asked = request.GET.get("amount", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 12 else left


def _refund_sentence(transfer: Transfer) -> str:
    state = transfer.get_state_display().lower()
    ended = " What it had bought has ended." if transfer.ends_service else ""
    return f"Refund {transfer.reference} of {transfer.amount:,} TZS: {state}.{ended}"
