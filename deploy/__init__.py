"""How Konektika is put on a machine."""
