"""`celery` on a machine whose clock is two minutes ahead; its timers run as everybody's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import time_machine
from celery.__main__ import main

AHEAD = timedelta(minutes=2)

if __name__ == "__main__":
    with time_machine.travel(datetime.now(UTC) + AHEAD, tick=True):
        main()
