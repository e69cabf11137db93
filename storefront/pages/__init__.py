"""The light web page, for customers and owners without the app."""
