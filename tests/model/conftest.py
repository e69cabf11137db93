"""Makes the long run known before pytest reads which profile is wanted."""

from __future__ import annotations

from hypothesis import settings

from tests.model.profiles import LONG

settings.register_profile("long", LONG)
