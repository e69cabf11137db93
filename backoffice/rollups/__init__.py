"""Sums that the dashboard is drawn from, kept equal to what the rows themselves would give."""
