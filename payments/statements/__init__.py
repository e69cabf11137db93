"""A provider's statement file → plain rows. Knows files and words; writes nothing."""
