"""What staff type of a gateway; what cannot be is told at its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

from vpn.models import Gateway
from vpn.networks import compare_sizes, endpoint_host, overlaps, resolvers, room, tunnel_network

RANGES = ("range4", "range6")
FIELDS = (
    "name",
    "endpoint_host",
    "endpoint_port",
    *RANGES,
    "dns",
    "region",
    "owner",
    "bundles",
    "capacity",
)


class GatewayForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    class Meta:
        model = Gateway
        fields = FIELDS
        labels = {"range4": "IPv4 range", "range6": "IPv6 range", "dns": "DNS"}

    def clean_endpoint_host(self) -> str:
        return _checked(endpoint_host, self.cleaned_data["endpoint_host"])

    def clean_endpoint_port(self) -> int:
        port = int(self.cleaned_data["endpoint_port"])
        if not 1 <= port <= 65535:
            raise forms.ValidationError("A port lies between 1 and 65535.")
        return port

    def clean_range4(self) -> str:
        return self._network("range4", 4)

    def clean_range6(self) -> str:
        return self._network("range6", 6) if self.cleaned_data["range6"] else ""

    def clean_dns(self) -> str:
        typed = self.cleaned_data["dns"]
        return _checked(resolvers, typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        others = list(Gateway.objects.exclude(pk=self.instance.pk))
        for field in ("range4", "range6"):
            for other in others:
                if overlaps(answers.get(field, ""), getattr(other, field)):
                    self.add_error(field, f"It overlaps with {getattr(other, field)} of {other}.")
        endpoint = (answers.get("endpoint_host"), answers.get("endpoint_port"))
        for other in others:
            if endpoint == (other.endpoint_host, other.endpoint_port):
                self.add_error("endpoint_host", f"{other} has this endpoint.")
        self._compare_sizes(answers)
        return answers

    def _network(self, field: str, version: int) -> str:
        return _checked(lambda text: str(tunnel_network(text, version)), self.cleaned_data[field])

    def _compare_sizes(self, answers: dict[str, Any]) -> None:
        """Each device has a number, in both ranges."""
        range4 = answers.get("range4", self.instance.range4)
        if not range4:
            return
        try:
            compare_sizes(range4, answers.get("range6", ""))
        except ValueError as refusal:
            self.add_error("range6", str(refusal))
        capacity, most = answers.get("capacity"), room(range4)
        if capacity is not None and not 1 <= capacity <= most:
            self.add_error("capacity", f"The IPv4 range has room for 1 to {most:,} devices.")


def _checked(check: Callable[[str], str], typed: str) -> str:
    try:
        return check(typed)
    except ValueError as refusal:
        raise forms.ValidationError(str(refusal)) from refusal
