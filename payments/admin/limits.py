"""How often phones are prompted, which providers are used, and when money may leave."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from common.admin import ModelAdmin, OneRow
from payments.models import PromptLimits, ProviderSwitch, TransferRules
from payments.providers.registry import DIALECTS, is_enabled, takes_payments


@admin.register(PromptLimits)
class PromptLimitsAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "phone_per_10_minutes", "phone_per_hour", "phone_per_day"]


@admin.register(ProviderSwitch)
class ProviderSwitchAdmin(OneRow, ModelAdmin):
    list_display = ["provider", "takes_payments", "sends_money", "answers", "changed_at"]
    readonly_fields = ["provider", "changed_at"]

    @display(
        description="Answers", label={"yes": "success", "no": "danger", "not set up": "warning"}
    )
    def answers(self, switch: ProviderSwitch) -> str:
        """Whether it could be paid with, were it not switched off."""
        if not any(each.provider == switch.provider and is_enabled(each) for each in DIALECTS):
            return "not set up"
        return "yes" if takes_payments(switch.provider) else "no"


@admin.register(TransferRules)
class TransferRulesAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "four_eyes_above", "returns_without_review"]
