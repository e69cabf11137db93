"""`{{ subscription.ends_at|time_left }}`."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone

from storefront.sentences import duration

register = template.Library()


@register.filter
def time_left(end: datetime) -> str:
    return duration(end - timezone.now())
