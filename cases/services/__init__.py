"""What other apps ask of cases; staff's own verbs are in the modules beside."""

from cases.services.opening import (
    open_case,
    open_cases,
    resolve_by_itself,
    resolve_case,
    resolve_cases,
)

__all__ = ["open_case", "open_cases", "resolve_by_itself", "resolve_case", "resolve_cases"]
