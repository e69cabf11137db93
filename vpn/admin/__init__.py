"""Gateways and peers for staff: how they do, what passed, and what may be done. Keys are not shown."""

from vpn.admin import gateways, peers

__all__ = ["gateways", "peers"]
