"""The standard catalogue, which belongs to the platform's own account."""

from __future__ import annotations

from accounts.models import User
from bundles.models import Bundle, Terms
from bundles.services.save_bundle import save_bundle
from common.transactions import retried

PLATFORM_EMAIL = "platform@konektika.invalid"

# name, GB, days, TZS, seats: the mobile contract's table
STANDARD_CATALOGUE = (
    ("Daily Bundle", 5, 1, 1_000, 50),
    ("Weekly Bundle", 20, 7, 3_000, 50),
    ("Monthly Bundle", 100, 30, 17_000, 50),
    ("Premium 3-Month", 500, 90, 45_000, 30),
)


@retried
def seed_catalogue() -> int:
    """Add the standard bundles that the platform does not have yet. Returns how many."""
    platform, is_new = User.objects.get_or_create(
        email=PLATFORM_EMAIL,
        defaults={"full_name": "Konektika", "role": User.Role.OWNER},
    )
    if is_new:
        platform.set_unusable_password()
        platform.save()
    Terms.current()
    added = 0
    for name, gigabytes, days, price, seats in STANDARD_CATALOGUE:
        if Bundle.objects.filter(owner=platform, name=name).exists():
            continue
        bundle = Bundle(
            owner=platform,
            name=name,
            description=f"{gigabytes} GB: siku {days} / {days} day{'s' if days > 1 else ''}",
            data_limit_gb=gigabytes,
            duration_days=days,
            price=price,
            max_clients=seats,
        )
        save_bundle(bundle, by=None)
        added += 1
    return added
