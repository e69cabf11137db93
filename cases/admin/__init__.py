"""The work queue of staff."""

from cases.admin import bulks as bulks
from cases.admin import queue as queue
from cases.admin import rules as rules
