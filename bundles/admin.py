"""The catalogue, and what was bought of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from accounts.admin import person_behind
from bundles.models import Bundle, BundleVersion, Purchase, Seat, Subscription, Terms
from bundles.services.save_bundle import save_bundle
from common.admin import Endless, OneRow, ReadOnly
from common.sizes import in_words


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

    def save_model(self, request: HttpRequest, obj: Bundle, form: Any, change: bool) -> None:
        save_bundle(obj, by=person_behind(request))


@admin.register(Purchase)
class PurchaseAdmin(Endless, ReadOnly, ModelAdmin):
    list_display = ["id", "customer", "bundle", "price", "shown_state", "created_at", "paid_at"]
    list_filter = ["state", "bundle", "created_at"]
    list_select_related = ["customer", "bundle"]
    search_fields = ["customer__email", "customer__phone", "customer__full_name"]
    list_per_page = 50
    ordering = ["-id"]

    @display(
        description="State",
        ordering="state",
        label={"awaiting_payment": "info", "paid": "success", "abandoned": "warning"},
    )
    def shown_state(self, purchase: Purchase) -> str:
        return purchase.state


@admin.register(Subscription)
class SubscriptionAdmin(Endless, ReadOnly, ModelAdmin):
    list_display = ["id", "customer", "bundle", "shown_state", "used", "starts_at", "ends_at"]
    list_filter = ["state", "bundle", "ends_at"]
    readonly_fields = ["used"]
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
    ]
    list_select_related = ["customer", "bundle"]
    search_fields = ["customer__email", "customer__phone", "customer__full_name"]
    list_per_page = 50
    ordering = ["-id"]

    @display(description="State", ordering="state", label={"active": "success", "ended": "info"})
    def shown_state(self, subscription: Subscription) -> str:
        return subscription.state

    @display(description="Data used", ordering="data_used_bytes")
    def used(self, subscription: Subscription) -> str:
        used, limit = subscription.data_used_bytes, subscription.data_limit_bytes
        return f"{in_words(used)} of {in_words(limit)}"


@admin.register(Seat)
class SeatAdmin(ReadOnly, ModelAdmin):
    list_display = ["bundle", "number", "customer", "held_until"]
    list_filter = ["bundle"]
    list_select_related = ["bundle", "customer"]
    list_per_page = 50


@admin.register(Terms)
class TermsAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "price_min", "price_max", "commission_percent", "tax_percent"]
