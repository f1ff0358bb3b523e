"""Private copies of modules of the standard library. Short on purpose: one trick, explained once.

A bot runs in our process, and may replace functions of shared modules, for good reasons of its own. So a guard or a
signature rests on a copy that nobody else finds.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType


def own_copy(name: str) -> ModuleType:
    """Load a module of the standard library once more, and list it nowhere.

    Args:
        name: of a module that is written in Python and keeps no state.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
