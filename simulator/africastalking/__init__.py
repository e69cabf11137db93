"""Stands in for Africa's Talking's SMS (fact sheet sms, 2)."""

from simulator.africastalking.api import AfricasTalking

__all__ = ["AfricasTalking"]
