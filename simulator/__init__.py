"""Stands in for the sandboxes of M-Pesa, Tigo Pesa and Airtel Money. Never part of production."""
