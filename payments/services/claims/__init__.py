"""What becomes of receipts that customers name: found, asked about, placed, or given to staff."""
