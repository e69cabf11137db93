"""Lets mutmut change the functions that `[tool.mutmut]` names, one place at a time.

As `mutmut run`, with two differences: a write transaction is changed in spite of its decorator, and
classes are not: those of the providers' clients make requests, their functions read the answers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import libcst as cst
from mutmut.__main__ import cli
from mutmut.mutation import file_mutation

skips = file_mutation.MutationVisitor._skip_node_and_children
arranged = file_mutation.function_trampoline_arrangement


def _skips(visitor: file_mutation.MutationVisitor, node: cst.CSTNode) -> bool:
    if isinstance(node, cst.FunctionDef) and _is_transaction(node):
        return False
    return isinstance(node, cst.ClassDef) or skips(visitor, node)


def _arranged(function: cst.FunctionDef, *others: Any, **named: Any) -> Sequence[Any]:
    """The door keeps the decorator; what lies behind it, the function and its mutants, has none."""
    before, (door, *behind), after, names = arranged(function, *others, **named)
    plain = [node.with_changes(decorators=[]) for node in behind]
    return before, [door, *plain], after, names


def _is_transaction(function: cst.FunctionDef) -> bool:
    names = [decorator.decorator for decorator in function.decorators]
    return [name.value for name in names if isinstance(name, cst.Name)] == ["retried"]


def main() -> None:
    with (
        patch.object(file_mutation.MutationVisitor, "_skip_node_and_children", _skips),
        patch.object(file_mutation, "function_trampoline_arrangement", _arranged),
    ):
        cli(["run", *sys.argv[1:]])


if __name__ == "__main__":
    main()
