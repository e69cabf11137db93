"""The agent with audits every two seconds, for tests that wait for one."""

from __future__ import annotations

import sys

from vpn.agent import loop
from vpn.agent.__main__ import main

if __name__ == "__main__":
    loop.AUDIT_SECONDS = 2.0
    main(sys.argv[1:])
