"""Which members of libraries our code uses, read from its source: for the pins of `test_rq_pins`."""

from __future__ import annotations

import ast
import functools
import inspect
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
SOURCES = [*sorted((ROOT / "service").rglob("*.py")), ROOT / "worker.py", ROOT / "scheduler.py"]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
QUEUE_LIBRARIES = ("rq", "rq_scheduler", "rq_dashboard", "redis", "hiredis")


@functools.cache
def _trees() -> list[tuple[str, ast.Module]]:
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in SOURCES]


def imported() -> set[str]:
    """Every name that is taken from these libraries, as `module.name`."""
    return {name for _, tree in _trees() for node in ast.walk(tree) for name in _imports(node)}


def _imports(node: ast.AST) -> set[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in QUEUE_LIBRARIES:
        return {f"{node.module}.{alias.name}" for alias in node.names}
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name.split(".")[0] in QUEUE_LIBRARIES}
    return set()


def private() -> set[tuple[str, str]]:
    """Every underscored attribute that our code takes from something that is not its own: (file, name).

    Looked for in files that use these libraries. One of `self` is its own where a class of ours has it; one of anything
    else where the same file defines it.
    """
    ours: set[str] = set()
    of_file: dict[str, set[str]] = {}
    for path, tree in _trees():
        of_file[path] = {node.name for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, ast.ClassDef))}
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                of_file[path] |= names_of(node)
        ours |= of_file[path]
    return {
        (path, node.attr)
        for path, tree in _trees()
        if any(_imports(node) for node in ast.walk(tree))
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        and node.attr not in (ours if _is_self(node.value) or _is_super(node.value) else of_file[path])
    }  # fmt: skip


def names_of(definition: ast.ClassDef) -> set[str]:
    """What a class has: its methods, and what it or they assign."""
    found = set()
    for node in ast.walk(definition):
        if isinstance(node, FUNCTIONS):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            found.add(node.attr)
    return found


def inherited(ours: type, *bases: ModuleType) -> set[str]:
    """What our class uses, replaces or sets of what the classes of these modules have."""
    theirs: set[str] = set()
    for module in bases:
        tree = ast.parse(inspect.getsource(module))
        theirs |= {name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in names_of(node)}
    tree = ast.parse(inspect.getsource(ours))
    used = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used |= {
        node.attr for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and (_is_self(node.value) or _is_super(node.value))
    }  # fmt: skip
    return used & theirs


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _is_super(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
