"""Anything that can happen to money, in any order, while processes die at any commit.

Hypothesis chooses the steps; after each of them every invariant holds, and once time has passed our
books are the providers' to the shilling, or a case says why not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from rest_framework.test import APIRequestFactory, force_authenticate

from accounts.models import User
from bundles.api.purchases import PurchaseViewSet
from bundles.models import Bundle, Subscription
from bundles.services.earn import earned_account
from bundles.services.renew import renew_due, switch_renewal
from bundles.tests.factories import a_bundle
from payments import ledger
from payments.models import (
    MobileMoneyTransaction,
    Payment,
    Transfer,
)
from payments.providers.base import NoticeKind, Outcome, Reason
from payments.services.decide_transfer import approve_transfer, reject_transfer, resolve_transfer
from payments.services.payout import pay_out
from payments.services.query import check_attempt
from payments.services.refund import refund_payment
from payments.services.refund_to_credit import refund_to_credit
from payments.services.return_credit import return_credit
from payments.states import TransferState
from payments.tests.factories import PREFIXES, a_customer, a_phone, an_owner
from tests.model.faults import Fault, FaultKind
from tests.model.invariants import broken_at_rest, broken_invariants
from tests.model.model import booked_without_truth, books_differ_from_truth, unexplained_at_rest
from tests.model.profiles import STEPS_MIN, chosen
from tests.model.provider import (
    DESCRIPTIONS,
    SIGNING,
    Callback,
    Charge,
    Delayed,
    Fate,
    ModelProvider,
    Sending,
    Wire,
)
from tests.model.statement import read_line_of_charge, read_line_of_transfer
from tests.model.world import SWEEPS, World, built_world
from vpn.services.generate import generate_config

HOPS = 80  # jumps of time until nothing is due any more
PAUSES = (
    *(timedelta(seconds=seconds) for seconds in (3, 20, 90)),
    *(timedelta(minutes=minutes) for minutes in (4, 11, 40)),
    timedelta(hours=7),
    timedelta(days=1),
    timedelta(days=4),
)
FAULTS = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.builds(Fault, st.sampled_from(FaultKind), st.integers(1, 8)),
)

HAVE = {"state": "completed"}
ODDITIES = (*["exactly"] * 6, "less", "more", "by another phone", "after a failure")
STRANGER = "255754999999"
UNCERTAIN = (TransferState.QUEUED, TransferState.PENDING)

Item = TypeVar("Item")


class MoneyMachine(RuleBasedStateMachine):
    """What can happen, as rules; `world` is set by the test that runs it."""

    world: ClassVar[World]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.world.begin()
        self.customers: list[User] = []
        self.writes_seen = -1

    # Who is there

    @initialize(data=st.data(), number=st.integers(0, 3), credit=st.sampled_from((0, 400, 2_000)))
    def open_shop(self, data: st.DataObject, number: int, credit: int) -> None:
        """Everybody has so much credit, and one has bought already, perhaps the same again."""
        self.staff = [a_customer(a_phone()) for _ in range(2)]
        self.owner = an_owner(a_phone())
        self.on_sale = [
            a_bundle(self.owner, name="one seat", price=1_000, max_clients=1),
            a_bundle(self.owner, name="many", price=3_333, duration_days=30),
            a_bundle(self.owner, name="dear", price=60_000, duration_days=90),
        ]
        self.customers = [a_customer(a_phone(one.provider)) for one in DESCRIPTIONS]
        for customer in self.customers if credit else []:
            ledger.post(
                source=f"goodwill:{customer.pk}",
                memo="for an outage",
                lines=[(ledger.REVENUE, credit), (ledger.credit_account(customer.pk), -credit)],
            )
        customer = self._pick(data, self.customers)
        for _ in range(number):
            self._buy_and_pay(data, customer)

    # What customers do

    @rule(
        data=st.data(),
        key=st.sampled_from((None, None, "first", "second")),
        on_phone_of=st.sampled_from((None, None, None, *DESCRIPTIONS)),
        use_credit=st.booleans(),
        fault=FAULTS,
    )
    def a_customer_buys(
        self,
        data: st.DataObject,
        key: str | None,
        on_phone_of: Any,
        use_credit: bool,
        fault: Fault | None,
    ) -> None:
        self._step(data)
        customer = self._pick(data, self.customers)
        bundle = self._pick(data, self.on_sale)
        phone = customer.phone
        if on_phone_of is not None:  # one phone of each provider lies about, for anybody to use
            phone = f"+255{PREFIXES[on_phone_of.provider]}5999999"
        earlier = Payment.objects.filter(
            idempotentrequest__user=customer, idempotentrequest__key=key
        ).first()
        answer = self.world.process(
            lambda: _initiate(customer, bundle, phone or "", key, use_credit), fault
        )
        if answer is not None and answer.status_code < 300 and earlier is not None:
            is_same = answer.data["payment_id"] == earlier.public_id
            self._demand([] if is_same else [f"key {key} gave two payments"])
        self._perhaps_work(data)

    @rule(
        data=st.data(),
        stage=st.sampled_from(("buying", "asking", "telling", "applying")),
        fault=FAULTS,
    )
    def a_purchase_goes_its_way(self, data: st.DataObject, stage: str, fault: Fault | None) -> None:
        """As most do: bought, asked for, paid, told and applied; one of these may meet a fault."""
        self._buy_and_pay(data, self._pick(data, self.customers), stage, fault)

    @precondition(lambda self: self._waiting())
    @rule(data=st.data(), how=st.sampled_from(("pays", "pays", "pays", "declines", "mistypes")))
    def a_prompt_is_answered(self, data: st.DataObject, how: str) -> None:
        self._step(data)
        provider, charge = self._pick(data, self._waiting())
        if how != "pays":
            reason = Reason.CANCELLED if how == "declines" else Reason.WRONG_PIN
            provider.end_prompt(charge, reason)
            self._perhaps_tell(data, provider)
            return
        self._pay(data, provider, charge)
        self._perhaps_tell(data, provider)

    @rule(data=st.data(), fault=FAULTS)
    def a_configuration_is_wanted(self, data: st.DataObject, fault: Fault | None) -> None:
        self._step(data)
        customer, bundle = self._pick(data, self.customers), self._pick(data, self.on_sale)
        self.world.process(lambda: generate_config(customer=customer, bundle_id=bundle.pk), fault)

    @precondition(lambda self: self._creditors())
    @rule(data=st.data(), number=st.integers(0, 2), by_staff=st.booleans(), fault=FAULTS)
    def credit_is_wanted_back(
        self, data: st.DataObject, number: int, by_staff: bool, fault: Fault | None
    ) -> None:
        self._step(data)
        customer = self._pick(data, self._creditors())
        self.world.process(
            lambda: return_credit(
                customer_id=customer.pk,
                request_key=f"credit:{customer.pk}:{number}",
                by=self.staff[0] if by_staff else None,
            ),
            fault,
        )
        self._perhaps_work(data)

    @precondition(lambda self: Subscription.objects.filter(state="active").exists())
    @rule(data=st.data(), is_wanted=st.sampled_from((True, True, False)), fault=FAULTS)
    def it_is_wanted_again_from_credit(
        self, data: st.DataObject, is_wanted: bool, fault: Fault | None
    ) -> None:
        """It is due at once, and again once it is served: while there is credit."""
        self._step(data)
        subscriptions = Subscription.objects.filter(state="active").select_related("customer")
        subscription = self._pick(data, list(subscriptions.order_by("pk")))
        self.world.process(
            lambda: switch_renewal(
                customer=subscription.customer,
                subscription_id=subscription.pk,
                is_wanted=is_wanted,
            )
        )
        self.world.process(renew_due, fault)
        self._perhaps_work(data)

    # What providers do

    @precondition(lambda self: self._callbacks())
    @rule(data=st.data(), times=st.sampled_from((1, 1, 1, 2)), fault=FAULTS)
    def a_callback_arrives(self, data: st.DataObject, times: int, fault: Fault | None) -> None:
        """Any that was ever due, in any order; what is never chosen is lost."""
        self._step(data)
        callback = self._pick(data, self._callbacks())
        for _ in range(times):
            self._tell(callback, fault)
        self._perhaps_work(data)

    @precondition(lambda self: MobileMoneyTransaction.objects.exists())
    @rule(
        data=st.data(),
        kind=st.sampled_from((NoticeKind.COLLECTION, NoticeKind.COLLECTION, NoticeKind.TRANSFER)),
        outcome=st.sampled_from(
            (Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.FAILED, Outcome.REVERSED)
        ),
        lie=st.sampled_from(
            ({}, {}, {"amount": 1}, {"currency": "KES"}, {"msisdn": STRANGER}, {"reference": "NO"})
        ),
        signature=st.sampled_from((None, "guessed")),
        fault=FAULTS,
    )
    def a_callback_is_forged(
        self,
        data: st.DataObject,
        kind: NoticeKind,
        outcome: Outcome,
        lie: dict[str, Any],
        signature: str | None,
        fault: Fault | None,
    ) -> None:
        """Whoever has seen a payment's names tells of it what he likes, but can prove nothing."""
        self._step(data)
        attempts = MobileMoneyTransaction.objects.select_related("payment").order_by("-pk")
        attempt = self._pick(data, list(attempts))
        receipts = ["made-up", *(charge.receipt for _, charge in self._charges())]
        body = {
            "kind": kind,
            "outcome": outcome,
            "reference": attempt.reference,
            "provider_reference": attempt.provider_reference or "",
            "amount": attempt.payment.asked_amount,
            "signature": signature,
            "receipt": self._pick(data, receipts),
            **lie,
        }
        self.world.deliver(attempt.dialect, body, is_proved=False, fault=fault)
        self._perhaps_work(data)

    @precondition(lambda self: self._delayed())
    @rule(data=st.data())
    def a_delayed_request_arrives(self, data: st.DataObject) -> None:
        self._step(data)
        provider, delayed = self._pick(data, self._delayed())
        provider.arrive(delayed)

    @precondition(lambda self: self._has_something_to_reverse())
    @rule(data=st.data())
    def a_provider_reverses_by_itself(self, data: st.DataObject) -> None:
        self._step(data)
        kept = [(one, charge) for one, charge in self._charges() if _is_kept(charge)]
        provider, charge = self._pick(data, kept)
        provider.reverse_alone(charge)
        self._perhaps_tell(data, provider)

    @precondition(lambda self: self._under_way())
    @rule(data=st.data(), is_sent=st.sampled_from((True, True, False)))
    def a_sending_ends(self, data: st.DataObject, is_sent: bool) -> None:
        self._step(data)
        provider, sending = self._pick(data, self._under_way())
        provider.end_sending(sending, is_sent=is_sent)
        self._perhaps_tell(data, provider)

    @precondition(lambda self: self._charges())
    @rule(data=st.data(), fault=FAULTS)
    def a_statement_line_is_read(self, data: st.DataObject, fault: Fault | None) -> None:
        self._step(data)
        _, charge = self._pick(data, self._charges())
        self.world.process(lambda: read_line_of_charge(charge), fault)

    # What staff do

    @precondition(lambda self: Payment.objects.filter(**HAVE).exists())
    @rule(
        data=st.data(),
        part=st.sampled_from((None, None, 1, 300)),
        number=st.integers(0, 2),
        ends_service=st.booleans(),
        fault=FAULTS,
    )
    def staff_refund(
        self,
        data: st.DataObject,
        part: int | None,
        number: int,
        ends_service: bool,
        fault: Fault | None,
    ) -> None:
        self._step(data)
        payment = self._pick(data, list(Payment.objects.filter(**HAVE).order_by("pk")))
        self.world.process(
            lambda: refund_payment(
                payment_id=payment.pk,
                request_key=f"refund:{payment.pk}:{number}",
                why="asked for",
                amount=part,
                by=self.staff[0],
                ends_service=ends_service,
            ),
            fault,
        )
        self._perhaps_work(data)

    @precondition(lambda self: Payment.objects.filter(payment_method=Payment.CREDIT).exists())
    @rule(data=st.data(), fault=FAULTS)
    def staff_make_it_credit_again(self, data: st.DataObject, fault: Fault | None) -> None:
        self._step(data)
        paid = Payment.objects.filter(payment_method=Payment.CREDIT).order_by("pk")
        payment = self._pick(data, list(paid))
        self.world.process(
            lambda: refund_to_credit(payment_id=payment.pk, why="asked for", by=payment.payer),
            fault,
        )

    @precondition(lambda self: ledger.balance(earned_account(self.owner.pk)) < 0)
    @rule(data=st.data(), number=st.integers(0, 3), part=st.sampled_from((None, 500)), fault=FAULTS)
    def the_owner_is_paid_out(
        self, data: st.DataObject, number: int, part: int | None, fault: Fault | None
    ) -> None:
        self._step(data)
        account = earned_account(self.owner.pk)
        amount = part or -ledger.balance(account)
        self.world.process(
            lambda: pay_out(
                payee_id=self.owner.pk,
                account=account,
                amount=amount,
                request_key=f"payout:{number}",
                why="monthly",
                by=self.staff[0],
            ),
            fault,
        )
        self._perhaps_work(data)

    @precondition(lambda self: Transfer.objects.filter(state=TransferState.REQUESTED).exists())
    @rule(
        data=st.data(), decision=st.sampled_from((approve_transfer, reject_transfer)), fault=FAULTS
    )
    def a_transfer_is_decided(
        self, data: st.DataObject, decision: Callable[..., Transfer], fault: Fault | None
    ) -> None:
        self._step(data)
        waiting = Transfer.objects.filter(state=TransferState.REQUESTED).order_by("pk")
        transfer = self._pick(data, list(waiting))
        by = self._pick(data, self.staff)
        self.world.process(
            lambda: decision(transfer_id=transfer.pk, by=by, why="looked into"), fault
        )
        self._perhaps_work(data)

    @precondition(lambda self: self._ended())
    @rule(data=st.data(), fault=FAULTS)
    def a_transfer_is_resolved_by_the_statement(
        self, data: st.DataObject, fault: Fault | None
    ) -> None:
        self._step(data)
        sending = self._pick(data, self._ended())
        transfer = Transfer.objects.get(reference=sending.asked.reference)
        self.world.process(
            lambda: resolve_transfer(
                transfer_id=transfer.pk,
                was_sent=sending.fate == Fate.DONE,
                receipt=sending.receipt,
                by=self.staff[1],
                why="the statement says so",
            ),
            fault,
        )

    # What our machines do

    @precondition(lambda self: self.world.messages)
    @rule(data=st.data(), most=st.sampled_from((1, 1, 3, 10)), fault=FAULTS)
    def workers_work(self, data: st.DataObject, most: int, fault: Fault | None) -> None:
        self._step(data)
        self.world.work_off(most, fault)

    @precondition(lambda self: self.world.messages)
    @rule(data=st.data(), times=st.sampled_from((0, 1, 1, 2)), fault=FAULTS)
    def a_message_is_lost_or_taken_out_of_turn(
        self, data: st.DataObject, times: int, fault: Fault | None
    ) -> None:
        self._step(data)
        message = self._pick(data, self.world.messages)
        self.world.messages.remove(message)
        for _ in range(times):
            self.world.work(message, fault)

    @precondition(lambda self: MobileMoneyTransaction.objects.exists())
    @rule(data=st.data(), fault=FAULTS)
    def an_attempt_is_asked_about(self, data: st.DataObject, fault: Fault | None) -> None:
        self._step(data)
        attempt = self._pick(data, list(MobileMoneyTransaction.objects.order_by("pk")))
        self.world.process(lambda: check_attempt(attempt_id=attempt.pk), fault)

    @rule(data=st.data(), task=st.sampled_from(SWEEPS), fault=FAULTS)
    def beat_sweeps(self, data: st.DataObject, task: str, fault: Fault | None) -> None:
        self._step(data)
        self.world.sweep(task, fault)

    @rule(data=st.data())
    def beat_sweeps_everything(self, data: st.DataObject) -> None:
        self._step(data)
        for task in SWEEPS:
            self.world.sweep(task)
        self.world.work_off(20)

    @rule(data=st.data(), pause=st.sampled_from(PAUSES))
    def time_passes(self, data: st.DataObject, pause: timedelta) -> None:
        self._step(data)
        self.world.clock.shift(pause)

    @rule(
        data=st.data(),
        price=st.sampled_from((1_000, 1_001)),
        failing=st.sampled_from((0, 1, 6, 12)),
    )
    def something_changes(self, data: st.DataObject, price: int, failing: int) -> None:
        """The price of the smallest bundle, or how often activations will fail."""
        self._step(data)
        Bundle.objects.filter(pk=self.on_sale[0].pk).update(price=price)
        self.world.failing_activations = failing

    # What must hold

    @invariant()
    def everything_holds(self) -> None:
        """Rows that nobody has written since the last look are as they were."""
        if self.writes_seen == self.world.faults.writes:
            return
        self.writes_seen = self.world.faults.writes
        self._demand(broken_invariants())
        self._demand(booked_without_truth(self.world.providers.values()))

    def teardown(self) -> None:
        """Sweeps alone finish everything; then the statement brings what nobody had told."""
        if self.world.is_broken:
            return
        providers = self.world.providers.values()
        for provider, sending in self._under_way():
            provider.end_sending(sending, is_sent=True)
        self._settle_down()
        self._demand(booked_without_truth(providers))
        self._demand(unexplained_at_rest(providers))
        self._read_statements()
        self._settle_down()
        self._demand(books_differ_from_truth(providers))

    # Inside

    def _settle_down(self) -> None:
        self.world.settle_down(HOPS)
        self._demand(broken_invariants())
        self._demand(broken_at_rest())

    def _read_statements(self) -> None:
        """What staff learn from whole statements: who was paid, who has paid, what came back."""
        sendings = {sending.asked.reference: sending for _, sending in self._sendings()}
        for transfer in Transfer.objects.filter(state__in=UNCERTAIN, sends__gt=0):
            sending = sendings.get(transfer.reference)
            read_line_of_transfer(transfer, sending)
        for _, charge in self._charges():
            read_line_of_charge(charge)

    def _step(self, data: st.DataObject) -> None:
        """Within a step, hypothesis decides what becomes of each call to a provider."""
        type(self).steps += 1

        def draw(wires: Sequence[Wire]) -> Wire:
            usual = [Wire.ANSWERED] * len(wires)
            return data.draw(st.sampled_from([*usual, *wires]), label="the call")

        def meanwhile() -> None:
            if data.draw(st.sampled_from((False, False, False, True)), label="overtaken"):
                self._overtake()

        for provider in self.world.providers.values():
            provider.draw, provider.meanwhile = draw, meanwhile

    def _overtake(self) -> None:
        """While we wait for an answer, its callback comes and is applied, and beat sweeps."""
        for provider in self.world.providers.values():
            provider.meanwhile = lambda: None
        self.world.clock.shift(timedelta(seconds=20))
        for _, charge in self._waiting()[-1:]:
            self.world.providers[charge.dialect].answer_prompt(charge, amount=charge.asked.amount)
        for callback in self._callbacks()[-1:]:
            self._tell(callback)
        self.world.sweep("payments.tasks.sweep_deliveries")
        self.world.work_off(10)

    def _buy_and_pay(
        self, data: st.DataObject, customer: User, stage: str = "", fault: Fault | None = None
    ) -> None:
        self._step(data)
        bundle = self._pick(data, self.on_sale)

        def at(name: str) -> Fault | None:
            return fault if stage == name else None

        self.world.process(
            lambda: _initiate(customer, bundle, customer.phone or "", None, True), at("buying")
        )
        self.world.work_off(5, at("asking"))
        for provider, charge in self._waiting()[-1:]:
            self._pay(data, provider, charge)
            self._tell(provider.callbacks[-1], at("telling"))
        self.world.work_off(5, at("applying"))

    def _pay(self, data: st.DataObject, provider: ModelProvider, charge: Charge) -> None:
        """The PIN is right. Some pay another amount, from another phone, or after a false alarm."""
        amount, msisdn = charge.asked.amount, ""
        oddity = data.draw(st.sampled_from(ODDITIES), label="paid")
        if oddity == "after a failure":
            provider.report_failure_by_mistake(charge)
        elif provider.description is not SIGNING:  # its callbacks name neither amount nor phone
            amount += {"less": -min(500, amount - 1), "more": 700}.get(oddity, 0)
            msisdn = STRANGER if oddity == "by another phone" else ""
        provider.answer_prompt(charge, amount=amount, msisdn=msisdn)

    def _tell(self, callback: Callback, fault: Fault | None = None) -> None:
        self.world.deliver(
            callback.dialect, callback.body, token=callback.token, is_proved=True, fault=fault
        )

    def _perhaps_tell(self, data: st.DataObject, provider: ModelProvider) -> None:
        """The provider's newest callback comes at once, or it waits and may be lost."""
        if data.draw(st.booleans(), label="told at once"):
            self._tell(provider.callbacks[-1])
            self._perhaps_work(data)

    def _perhaps_work(self, data: st.DataObject) -> None:
        """Mostly the workers are quick."""
        if data.draw(st.sampled_from((True, True, False)), label="worked off"):
            self.world.work_off(10)

    def _pick(self, data: st.DataObject, items: Sequence[Item]) -> Item:
        return data.draw(st.sampled_from(items))

    def _demand(self, wrongs: Any) -> None:
        found = list(wrongs)
        self.world.is_broken = self.world.is_broken or bool(found)
        assert found == []

    def _has_something_to_reverse(self) -> bool:
        """Seldom: else little would be left to refund."""
        charges = [charge for _, charge in self._charges()]
        are_few = sum(charge.is_reversed_alone for charge in charges) < 2
        return are_few and any(_is_kept(charge) for charge in charges)

    def _creditors(self) -> list[User]:
        return [one for one in self.customers if ledger.credit_of(one.pk) > 0]

    def _charges(self) -> list[tuple[ModelProvider, Charge]]:
        return [
            (provider, charge)
            for provider in self.world.providers.values()
            for charge in provider.charges.values()
        ]

    def _waiting(self) -> list[tuple[ModelProvider, Charge]]:
        return [
            (provider, charge)
            for provider in self.world.providers.values()
            for charge in provider.waiting()
        ]

    def _delayed(self) -> list[tuple[ModelProvider, Delayed]]:
        return [
            (provider, delayed)
            for provider in self.world.providers.values()
            for delayed in provider.delayed
            if timezone.now() < delayed.until
        ]

    def _sendings(self) -> list[tuple[ModelProvider, Sending]]:
        return [
            (provider, sending)
            for provider in self.world.providers.values()
            for sending in provider.sendings.values()
        ]

    def _under_way(self) -> list[tuple[ModelProvider, Sending]]:
        return [pair for pair in self._sendings() if pair[1].fate == Fate.WAITING]

    def _ended(self) -> list[Sending]:
        return [sending for _, sending in self._sendings() if sending.fate != Fate.WAITING]

    def _callbacks(self) -> list[Callback]:
        return [one for provider in self.world.providers.values() for one in provider.callbacks]


def _is_kept(charge: Charge) -> bool:
    """Whether there is something of it that can be taken back."""
    return charge.paid > 0 and charge.returned == 0


def _initiate(customer: User, bundle: Bundle, phone: str, key: str | None, use_credit: bool) -> Any:
    """The app's request, by the endpoint itself."""
    headers = {} if key is None else {"Idempotency-Key": key}
    request = APIRequestFactory().post(
        "/api/payments/initiate",
        {"bundle_id": bundle.pk, "phone_number": phone, "use_credit": use_credit},
        format="json",
        headers=headers,
    )
    force_authenticate(request, user=customer)
    return PurchaseViewSet.as_view({"post": "initiate"})(request)


@pytest.mark.django_db(transaction=True)
def test_money_is_never_lost_and_never_made(
    monkeypatch: pytest.MonkeyPatch, settings: Any, record_property: Callable[..., None]
) -> None:
    monkeypatch.setattr("bundles.services.renew.BEFORE_THE_END", timedelta(days=365))
    with built_world(monkeypatch, settings) as world:
        monkeypatch.setattr(MoneyMachine, "world", world, raising=False)
        run_state_machine_as_test(MoneyMachine, settings=chosen())
    record_property("steps", MoneyMachine.steps)
    assert MoneyMachine.steps >= STEPS_MIN
