"""As every page of ours writes them: to be compared with a statement to the second."""

from __future__ import annotations

DATE_FORMAT = "d.m.Y"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "d.m.Y H:i:s"
