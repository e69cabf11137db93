"""Stands in for Beem Africa's SMS (fact sheet sms, 1)."""

from simulator.beem.api import Beem

__all__ = ["Beem"]
