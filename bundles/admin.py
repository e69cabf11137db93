"""The catalogue, and what was bought of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.timezone import localtime
from unfold.admin import TabularInline
from unfold.decorators import action, display

from accounts.admin import of_people, person_behind
from bundles.models import Bundle, BundleVersion, Gift, Owner, Purchase, Seat, Subscription, Terms
from bundles.services.owners import decide_owner
from bundles.services.save_bundle import save_bundle
from common import phone as phones
from common.admin import Endless, MaskedPhones, ModelAdmin, OneRow, ReadOnly, Sought, newest
from common.confirmation import confirm_verb
from common.sizes import in_words

DECISIONS = {
    Owner.State.APPROVED: ["They may offer bundles within the terms of sale at once."],
    Owner.State.DECLINED: ["They are told the reason by SMS, and may apply again."],
    Owner.State.SUSPENDED: [
        "All their bundles are paused; customers keep what they have bought.",
        "They are told the reason by SMS. What they have earned can still be paid out.",
    ],
}
OF_CUSTOMER = "Customer's phone in any form, beginning of their e-mail or name"


class VersionInline(ReadOnly, TabularInline):
    """What the bundle was, the latest first."""

    model = BundleVersion
    fields = ["at", "by", *BundleVersion.OFFER]
    ordering = ["-id"]
    per_page = 10
    tab = True


@admin.register(Bundle)
class BundleAdmin(ModelAdmin):
    """A change never touches a purchase already made."""

    inlines = [VersionInline]

    list_display = [
        "name",
        "owner",
        "price",
        "data_limit_gb",
        "duration_days",
        "max_clients",
        "is_active",
    ]
    list_filter = ["is_active", "owner"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__full_name", "owner__email"]
    autocomplete_fields = ["owner"]

    def get_readonly_fields(self, request: HttpRequest, obj: Bundle | None = None) -> Any:
        """What was sold is owed to whoever sold it: a bundle keeps its owner."""
        return ["picture"] if obj is None else ["picture", "owner"]

    def save_model(self, request: HttpRequest, obj: Bundle, form: Any, change: bool) -> None:
        save_bundle(obj, by=person_behind(request))


@admin.register(Owner)
class OwnerAdmin(ReadOnly, ModelAdmin):
    """Who sells, and who has asked to."""

    list_display = ["person", "shown_state", "connection_gb", "connection_seats", "applied_at"]
    list_filter = ["state", "is_paid_weekly"]
    list_select_related = ["person"]
    search_fields = ["person__full_name__istartswith", "person__email__istartswith"]
    search_help_text = "The beginning of a name or of an e-mail address"
    list_per_page = 50
    actions_detail = ["approve", "decline", "suspend"]

    @display(
        description="State",
        ordering="state",
        label={
            "applied": "info",
            "approved": "success",
            "declined": "warning",
            "suspended": "danger",
        },
    )
    def shown_state(self, owner: Owner) -> str:
        return owner.state

    @action(description="Approve", url_path="approve", permissions=["decide"], icon="check")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, Owner.State.APPROVED, "Approve")

    @action(description="Decline", url_path="decline", permissions=["decide"], icon="close")
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, Owner.State.DECLINED, "Decline")

    @action(description="Suspend", url_path="suspend", permissions=["decide"], icon="pause")
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, Owner.State.SUSPENDED, "Suspend")

    def _decide(
        self, request: HttpRequest, object_id: str, state: Owner.State, verb: str
    ) -> HttpResponse:
        owner = self.get_object(request, object_id)
        if owner is None:
            raise Http404

        def act(answers: Mapping[str, Any]) -> tuple[Owner, str]:
            decided = decide_owner(
                owner_id=owner.pk, state=state, by=person_behind(request), why=answers["why"]
            )
            return decided, f"{decided} is {decided.get_state_display().lower()}."

        return confirm_verb(
            self,
            request,
            row=owner,
            name=owner,
            verb=verb,
            sentences=DECISIONS[state],
            act=act,
        )

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("bundles.decide_owner"))


@admin.register(Purchase)
class PurchaseAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    with_phones = ("gift_phone",)
    list_display = ["id", "customer", "bundle", "price", "shown_state", "created_at", "paid_at"]
    list_filter = ["state", "bundle", "created_at"]
    list_prefetch = ["customer", "bundle"]
    search_help_text = f"{OF_CUSTOMER}, what was dialled"
    list_per_page = 50
    ordering = ["-id"]

    def sought(self, term: str) -> Iterator[QuerySet[Purchase, int]]:
        yield from of_people(Purchase.objects.all(), term)
        yield newest(Purchase.objects.filter(pay_reference=term))

    @display(
        description="State",
        ordering="state",
        label={"awaiting_payment": "info", "paid": "success", "abandoned": "warning"},
    )
    def shown_state(self, purchase: Purchase) -> str:
        return purchase.state


@admin.register(Subscription)
class SubscriptionAdmin(Endless, Sought, ReadOnly, ModelAdmin):
    list_display = ["id", "customer", "bundle", "shown_state", "used", "starts_at", "ends_at"]
    list_filter = ["state", "bundle", "ends_at"]
    readonly_fields = ["used", "auto_renewal"]
    fields = [
        "customer",
        "bundle",
        "state",
        "used",
        "used_up_at",
        "starts_at",
        "ends_at",
        "awaits_first_use",
        "ended_at",
        "max_connections",
        "speed_kbps",
        "auto_renewal",
    ]
    list_prefetch = ["customer", "bundle"]
    search_help_text = OF_CUSTOMER
    list_per_page = 50
    ordering = ["-id"]

    def sought(self, term: str) -> Iterator[QuerySet[Subscription, int]]:
        return of_people(Subscription.objects.all(), term)

    @display(description="State", ordering="state", label={"active": "success", "ended": "info"})
    def shown_state(self, subscription: Subscription) -> str:
        return subscription.state

    @display(description="Data used", ordering="data_used_bytes")
    def used(self, subscription: Subscription) -> str:
        used, limit = subscription.data_used_bytes, subscription.data_limit_bytes
        return f"{in_words(used)} of {in_words(limit)}"

    @display(description="Bought again from credit")
    def auto_renewal(self, subscription: Subscription) -> str:
        """Whether, up to which price, and what came of it last."""
        renewal = subscription.own_renewal
        if renewal is None:
            return "No, and never was"
        wish = f"Yes, up to TZS {renewal.price_most:,}" if subscription.is_renewed else "No"
        if not renewal.outcome or renewal.outcome_at is None:
            return wish
        return f"{wish}. {renewal.get_outcome_display()}, {localtime(renewal.outcome_at):%d.%m.%Y %H:%M}"


@admin.register(Gift)
class GiftAdmin(Endless, Sought, MaskedPhones, ModelAdmin):
    """What was promised to whom; the link's secret is nobody's to read."""

    with_phones = ("phone",)
    list_display = ["id", "giver", "phone", "bundle", "size", "shown_state", "created_at"]
    list_filter = ["state", "bundle", "created_at"]
    list_prefetch = ["giver", "bundle"]
    fields = [
        "giver",
        "phone",
        "bundle",
        "purchase",
        "subscription",
        "size",
        "shown_state",
        "created_at",
        "expires_at",
        "ended_at",
        "claimed_by",
        "received",
    ]
    readonly_fields = ["size", "shown_state"]
    search_help_text = (
        "Receiver's or giver's phone in any form, beginning of the giver's e-mail or name"
    )
    list_per_page = 50
    ordering = ["-id"]

    def sought(self, term: str) -> Iterator[QuerySet[Gift, int]]:
        yield from of_people(Gift.objects.all(), term, "giver")
        with suppress(phones.InvalidPhoneNumber):
            yield newest(Gift.objects.filter(phone=phones.parse(term)))

    @display(description="Size", ordering="data_bytes")
    def size(self, gift: Gift) -> str:
        return f"{in_words(gift.data_bytes)}{' of data' if gift.is_data else ''}"

    @display(
        description="State",
        ordering="state",
        label={"offered": "info", "claimed": "success", "returned": "warning"},
    )
    def shown_state(self, gift: Gift) -> str:
        return gift.state


@admin.register(Seat)
class SeatAdmin(ReadOnly, ModelAdmin):
    list_display = ["bundle", "number", "customer", "purchase", "held_until"]
    list_filter = ["bundle"]
    list_select_related = ["bundle", "customer", "purchase"]
    list_per_page = 50


@admin.register(Terms)
class TermsAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "price_min", "price_max", "commission_percent", "tax_percent"]
