"""The agent with a report each second and an audit every two, for tests that wait for them."""

from __future__ import annotations

import sys

from vpn.agent import loop
from vpn.agent.__main__ import main

if __name__ == "__main__":
    loop.REPORT_SECONDS = 1.0
    loop.AUDIT_SECONDS = 2.0
    main(sys.argv[1:])
