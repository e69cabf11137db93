"""Finds whose money each statement line is: by sets, one rule after the other, nothing ever adjusted."""
