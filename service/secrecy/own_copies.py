"""Copies of modules of the standard library that are ours alone.

A bot runs in our process, and may put other functions into the modules that all share, for good reasons of its own. A
guard or a signature therefore rests on a copy that nobody else finds.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType


def own_copy(name: str) -> ModuleType:
    """A module of the standard library, loaded once more and listed nowhere.

    Args:
        name: of one that is written in Python and keeps no state.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
