"""What accounts tells the apps above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.hooks import Hook

if TYPE_CHECKING:
    from accounts.services.delete_account import Deletion

deletion_asked: Hook[Deletion] = Hook("deletion_asked")
"""A person wants the account deleted. A handler raises AccountInUse when something comes first."""

account_deleted: Hook[Deletion] = Hook("account_deleted")
"""An account is being deleted, in this transaction; what names the person can still be read."""
