"""How files are read: the profiles that come with the program, and those that staff have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Max

from accounts.models import User
from common.transactions import retried
from payments.models import StatementProfile
from payments.statements.built_in import BUILT_IN
from payments.statements.columns import FileMapping, is_enough
from payments.statements.refusal import StatementRefused


def latest_profiles(provider: str) -> list[StatementProfile]:
    """The latest version of each of a provider's profiles."""
    keep_built_in()
    newest_first = StatementProfile.objects.filter(provider=provider).order_by("-version")
    latest: dict[str, StatementProfile] = {}
    for profile in newest_first:
        latest.setdefault(profile.name, profile)
    return list(latest.values())


def keep_built_in() -> None:
    """Make the rows of the profiles that come with the program, where they are missing."""
    there = set(StatementProfile.objects.filter(version=1).values_list("provider", "name"))
    missing = [each for each in BUILT_IN if each[:2] not in there]
    if missing:
        StatementProfile.objects.bulk_create(
            [
                StatementProfile(provider=provider, name=name, columns=columns)
                for provider, name, columns in missing
            ],
            ignore_conflicts=True,
        )


@retried
def save_profile(
    *,
    name: str,
    provider: str,
    columns: Mapping[str, Sequence[str]],
    dates: str,
    by: User | None,
) -> StatementProfile:
    """The next version of a named profile; files that were read by an earlier one keep that.

    Raises StatementRefused where rows cannot be read by these columns.
    """
    if not is_enough(columns):
        raise StatementRefused("A profile needs the receipt, the time and an amount.")
    named = StatementProfile.objects.select_for_update().filter(provider=provider, name=name)
    latest = named.aggregate(Max("version"))["version__max"] or 0
    return StatementProfile.objects.create(
        name=name,
        version=latest + 1,
        provider=provider,
        columns={ours: list(names) for ours, names in columns.items()},
        dates=dates,
        created_by=by,
    )


def mapping_of(profile: StatementProfile) -> FileMapping:
    return FileMapping(profile.columns, profile.dates)
