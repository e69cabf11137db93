"""How providers and customers behave now: the settings, the numbers, the run and its dice."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
from dataclasses import dataclass
from typing import Any

from simulator.phones import CODE_DIGIT, PAYEE_ENDINGS, Payout, Scenario, scenario_of
from simulator.settings import TREE, Json, Setting, defaults
from simulator.store import Store

MSISDN = re.compile(r"[0-9]{12}")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")
_NO_REFUSALS = ("0", "200", "INS-0", "DP00900001001", Payout.REFUSED)
_DOCUMENT = "behaviour"
_WHOLE_CIRCLE = 2**64


class InvalidChange(Exception):
    """A change that names something unknown or has a wrong value; `str()` says which."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad answer instead of the real one; `is_after` when the work was done all the same."""

    status: int
    code: str
    is_after: bool
    answer_as: str


class Behaviour:
    """The current settings. They are kept in the store and survive a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.settings = _at_first()
        kept = store.memory.document(_DOCUMENT)
        if kept:
            _merge(self.settings, json.loads(kept))

    def change(self, change: object) -> None:
        """Merge a part of the tree into the settings; nothing changes if any of it is wrong.

        A number set to null has no behaviour of its own any more, and a run set to null ends.
        Raises InvalidChange.
        """
        settings = copy.deepcopy(self.settings)
        _merge(settings, change)
        self.settings = settings
        self._store.memory.keep_document(_DOCUMENT, json.dumps(settings))

    def reset(self) -> None:
        self.settings = _at_first()

    def scenario_of(self, msisdn: str) -> Scenario:
        """What the next prompt on that phone meets."""
        named = self.settings["numbers"].get(msisdn)
        if named:
            return Scenario(named)
        return scenario_of(msisdn) or self._drawn(msisdn) or Scenario.HAND

    def is_registered(self, msisdn: str) -> bool:
        """Whether the number has a wallet, for one that asks it to pay."""
        return self.scenario_of(msisdn) is not Scenario.NOT_REGISTERED

    def payout_of(self, msisdn: str, codes: dict[int, str]) -> tuple[Payout, str]:
        """What money sent to that phone meets; with `refused`, the code.

        `codes` are the refusals that the dialect knows, by their number: the ones that a phone's
        last digits can choose.
        """
        named = self.settings["payees"].get(msisdn)
        if named in list(Payout):
            return Payout(named), ""
        if named:
            return Payout.REFUSED, named
        ending = msisdn[-6:]
        if ending.startswith(CODE_DIGIT) and int(ending[1:]) in codes:
            return Payout.REFUSED, codes[int(ending[1:])]
        if self.settings["numbers"].get(msisdn) == Scenario.NOT_REGISTERED:
            return Payout.NOT_REGISTERED, ""
        return PAYEE_ENDINGS.get(ending, Payout.PAID), ""

    def seconds(self, name: str) -> float:
        """One of the general waiting times, such as `prompt_seconds`."""
        return float(self.settings[name])

    def of(self, provider: str, name: str) -> Any:
        """A detail of one provider's dialect."""
        return self.settings[provider][name]

    def callback_latency(self, provider: str) -> float:
        """Seconds that each of the provider's callbacks comes later."""
        return float(self.settings[provider]["callback"]["latency_seconds"])

    def latency(self, provider: str, operation: str) -> float:
        """Seconds before the provider answers that operation, without what the dice add."""
        return float(self.settings[provider][operation]["latency_seconds"])

    def dice(self, provider: str, operation: str, msisdn: str) -> tuple[float, Fault | None]:
        """Throw for one call about a phone: seconds that its answer takes longer, and its fault.

        In a run, the n-th call of an operation about the same phone always falls the same.
        """
        settings = self.settings[provider][operation]
        spread, rate = settings["latency_spread_seconds"], settings["error_rate"]
        throws: list[float] = [random.random(), random.random()]  # noqa: S311 - dice, not secrets
        if self._seed is not None and (spread or rate):
            name = f"{provider} {operation} {msisdn}"
            count = self._store.memory.throw(name)
            throws = [_fraction(self._seed, name, count, side) for side in ("latency", "error")]
        if throws[1] >= rate:
            return throws[0] * spread, None
        return throws[0] * spread, Fault(
            status=settings["error_status"],
            code=settings["error_code"],
            is_after=settings["error_when"] == "after",
            answer_as=settings["answer_as"],
        )

    @property
    def is_run(self) -> bool:
        """Whether dice fall by a seed."""
        return self._seed is not None

    @property
    def _seed(self) -> int | None:
        run = self.settings["run"]
        return None if run is None else int(run["seed"])

    def _drawn(self, msisdn: str) -> Scenario | None:
        """By the hash of seed, phone and how many prompts it was shown, so in any order the same."""
        if self._seed is None:
            return None
        mix: dict[str, float] = self.settings["run"]["mix"]
        count = self._store.prompts.shown_to(msisdn)
        point = _fraction(self._seed, msisdn, count) * sum(mix.values())
        for name in sorted(mix):
            point -= mix[name]
            if point < 0:
                return Scenario(name)
        return None


def _at_first() -> Json:
    return {**defaults(), "numbers": {}, "payees": {}, "run": None}


def _fraction(*parts: object) -> float:
    """A number from 0 to 1 that only depends on the parts."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8]) / _WHOLE_CIRCLE


def _merge(settings: Json, change: object) -> None:
    if not isinstance(change, dict):
        raise InvalidChange("The change must be a JSON object.")
    change = dict(change)
    for name, check in (("numbers", _scenario), ("payees", _payee)):
        if name in change:
            _merge_phones(settings[name], change.pop(name), name, check)
    if "run" in change:
        settings["run"] = _run(change.pop("run"))
    _merge_tree(settings, change, TREE, "")


def _merge_tree(settings: Json, change: object, tree: Json, path: str) -> None:
    if not isinstance(change, dict):
        raise InvalidChange(f"{path} must be a JSON object.")
    for name, value in change.items():
        where = f"{path}.{name}" if path else str(name)
        branch = tree.get(name)
        if branch is None:
            raise InvalidChange(f"{where} is not a setting; here are {', '.join(tree)}.")
        if not isinstance(branch, Setting):
            _merge_tree(settings[name], value, branch, where)
        elif wrong := branch.rule(value):
            raise InvalidChange(f"{where} must be {wrong}, not {value!r}.")
        else:
            settings[name] = value


def _merge_phones(phones: Json, change: object, path: str, check: Any) -> None:
    if not isinstance(change, dict):
        raise InvalidChange(f"{path} must be a JSON object.")
    for msisdn, value in change.items():
        if not (isinstance(msisdn, str) and MSISDN.fullmatch(msisdn)):
            raise InvalidChange(f"{path}.{msisdn} must be named by 12 digits: 255754000123.")
        if value is None:
            phones.pop(msisdn, None)
        elif wrong := check(value):
            raise InvalidChange(f"{path}.{msisdn} must be null or {wrong}.")
        else:
            phones[msisdn] = value


def _scenario(value: object) -> str:
    return "" if value in list(Scenario) else f"one of {', '.join(Scenario)}"


def _payee(value: object) -> str:
    is_code = isinstance(value, str) and _CODE.fullmatch(value) and value not in _NO_REFUSALS
    if is_code or (value in list(Payout) and value != Payout.REFUSED):
        return ""
    return f"one of {', '.join(Payout)}, or a provider's code of a refusal"


def _run(value: object) -> Json | None:
    if value is None:
        return None
    if not (isinstance(value, dict) and value.keys() == {"seed", "mix"}):
        raise InvalidChange('run must be null or {"seed": 7, "mix": {"pays": 60, …}}.')
    seed, mix = value["seed"], value["mix"]
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InvalidChange(f"run.seed must be a whole number, not {seed!r}.")
    if not isinstance(mix, dict) or not mix:
        raise InvalidChange("run.mix must be a JSON object with a weight for each scenario.")
    for name, weight in mix.items():
        if name not in list(Scenario):
            raise InvalidChange(f"run.mix.{name} is not one of {', '.join(Scenario)}.")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
            raise InvalidChange(f"run.mix.{name} must be a weight from 0, not {weight!r}.")
    if sum(mix.values()) <= 0:
        raise InvalidChange("run.mix must weigh something.")
    return {"seed": seed, "mix": dict(mix)}
