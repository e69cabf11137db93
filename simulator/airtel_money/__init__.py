"""Airtel Money's Open API, read from the Airtel Money fact sheet. Where its two code tables differ,
table A. Ours alone: a second refund is ESB000011, and limits of one payout.
"""
