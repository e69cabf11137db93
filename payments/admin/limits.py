"""How often phones are prompted."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from common.admin import OneRow
from payments.models import PromptLimits


@admin.register(PromptLimits)
class PromptLimitsAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "phone_per_10_minutes", "phone_per_hour", "phone_per_day"]
