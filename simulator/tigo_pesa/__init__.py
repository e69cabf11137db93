"""Tigo Pesa (Mixx by Yas), read from the Tigo Pesa fact sheet: push, disbursement and paybill."""
