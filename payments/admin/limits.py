"""How often phones are prompted, and when money may leave."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from common.admin import OneRow
from payments.models import PromptLimits, TransferRules


@admin.register(PromptLimits)
class PromptLimitsAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "phone_per_10_minutes", "phone_per_hour", "phone_per_day"]


@admin.register(TransferRules)
class TransferRulesAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "four_eyes_above", "returns_without_review"]
