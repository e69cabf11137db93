"""How long the machine runs: a little in CI, always the same; for a long time by command."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

STEPS_MIN = 2_000  # in CI
IN_CI = settings(
    max_examples=60,
    stateful_step_count=50,
    derandomize=True,  # what fails once fails again
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(
    IN_CI,
    max_examples=2_000,
    stateful_step_count=100,
    derandomize=False,
    database=settings.get_profile("default").database,  # what has failed is tried first
)


def chosen() -> settings:
    """The long one with `--hypothesis-profile=long`; a failure prints what reproduces it."""
    return LONG if settings.get_current_profile_name() == "long" else IN_CI
