"""M-Pesa's Open API (Vodacom Tanzania), read from the M-Pesa fact sheet, dialect 1.

Ours alone, where the sheet knows nothing: a dead session is a 401 without a code; a reversal of
what was reversed is INS-6; a payout that is in progress has no transaction id yet.
"""
