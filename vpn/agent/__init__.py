"""The program on a gateway: serves, counts and enforces what the server has decided.

It needs neither Django nor anything else of this project; docs/agent-protocol.md is all they share.
"""

VERSION = "1.0"
