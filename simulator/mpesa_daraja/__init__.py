"""M-Pesa in the Daraja dialect, read from the M-Pesa fact sheet, dialect 2.

Ours alone: it takes Tanzanian numbers beside Kenyan ones, plain http URLs where the host is not a
public name, and shillings of Tanzania.
"""
