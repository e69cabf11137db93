"""What the compared Django projects share: where they listen, and our connection's options."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

PLAIN_PATH = "hook"
STRIPE_ENDPOINT = "00000000-0000-4000-8000-000000000001"
STRIPE_PATH = f"webhook/{STRIPE_ENDPOINT}"
STRIPE_EVENT = "evt_1"
STRIPE_SECRET = "whsec_only-for-benchmarks"  # noqa: S105 - of no value
STRIPE_TOLERANCE_SECONDS = 32_767  # as much as its column holds: one signature serves a whole run


def base_settings() -> dict[str, Any]:
    """Settings on the MariaDB at DATABASE_URL: the least middleware, and connections as ours are."""
    database = urlsplit(os.environ["DATABASE_URL"])
    return {
        "SECRET_KEY": "only-for-benchmarks",
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "MIDDLEWARE": ["django.middleware.common.CommonMiddleware"],  # for the Content-Length
        "USE_TZ": True,
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.mysql",
                "HOST": database.hostname,
                "PORT": database.port,
                "USER": database.username,
                "PASSWORD": database.password,
                "NAME": database.path.removeprefix("/"),
                "CONN_MAX_AGE": 60,
                "CONN_HEALTH_CHECKS": True,
                "OPTIONS": {
                    "charset": "utf8mb4",
                    "isolation_level": "read committed",
                    "init_command": "SET sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
                },
            }
        },
    }
