"""What the simulator remembers, in one SQLite file. Each method of a part is one transaction."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from simulator.store.bills import BillRows
from simulator.store.calls import CallRows
from simulator.store.database import Database
from simulator.store.memory import Memory
from simulator.store.money import MoneyRows
from simulator.store.prompts import PromptRows
from simulator.store.texts import TextRows
from simulator.store.transfers import TransferRows


class Store:
    """The parts of the memory, over one database."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.prompts = PromptRows(self._database)
        self.transfers = TransferRows(self._database)
        self.bills = BillRows(self._database)
        self.texts = TextRows(self._database)
        self.money = MoneyRows(self._database)
        self.calls = CallRows(self._database)
        self.memory = Memory(self._database)

    def transaction(self) -> AbstractContextManager[None]:
        """Several parts' changes as one."""
        return self._database.transaction()

    def reset(self) -> None:
        """Forget everything, tokens and behaviour included."""
        self._database.empty()

    def close(self) -> None:
        self._database.close()
