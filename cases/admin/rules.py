"""Above which amount a second person is needed."""

from __future__ import annotations

from django.contrib import admin

from cases.models import CaseRules
from common.admin import ModelAdmin, OneRow


@admin.register(CaseRules)
class CaseRulesAdmin(OneRow, ModelAdmin):
    list_display = ["__str__", "four_eyes_above"]
