"""What the verbs ask besides the reason."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from cases.selectors import workers
from common.confirmation import ReasonForm


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"


class SnoozeForm(ReasonForm):
    """`until` is the first moment of the day in Dar es Salaam."""

    until = forms.DateField(label="Until the morning of", widget=DayInput)
    field_order = ["until", "why", "key"]

    def clean_until(self) -> datetime:
        midnight = datetime.combine(self.cleaned_data["until"], time.min)
        return midnight.replace(tzinfo=ZoneInfo(settings.BUSINESS_TIME_ZONE))


class AssignForm(ReasonForm):
    to = forms.ModelChoiceField(queryset=workers(), label="To", widget=UnfoldAdminSelectWidget)
    field_order = ["to", "why", "key"]
