"""The form that asks where to move customers."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from common.confirmation import ReasonForm
from vpn.models import Gateway


class MoveForm(ReasonForm):
    """Another gateway in service, or none: then the server chooses."""

    target = forms.ModelChoiceField(
        queryset=Gateway.objects.none(),
        required=False,
        label="To",
        empty_label="Whichever suits best",
        help_text="Gateways in service whose agents have enrolled",
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["target", "why", "key"]

    def __init__(self, *args: Any, leaving: Gateway, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        in_service = Gateway.objects.filter(state=Gateway.State.ACTIVE, public_key__isnull=False)
        target = self.fields["target"]
        assert isinstance(target, forms.ModelChoiceField)  # noqa: S101 - as it is declared above
        target.queryset = in_service.exclude(pk=leaving.pk).order_by("name")
