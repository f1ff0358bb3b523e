"""What a run's process looks at after each run. Whole leftovers are in tests/process/test_isolation.py."""

from __future__ import annotations

import base64
import ipaddress
import os
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import pytest

from service.worker.leftovers import dict_versions
from service.worker.leftovers.c_library import CEnvironment, same_file
from service.worker.leftovers.dict_versions import repeated_after_writes
from service.worker.leftovers.looks import Descriptors, kept
from service.worker.leftovers.patches import Patches


class Namespace:
    """A class, of whose dict Python shows a view only."""

    one = 1


def _plain() -> tuple[Any, Callable[[str, object], object], Callable[[str], object]]:
    one: dict[str, object] = {"one": 1}
    return one, one.__setitem__, one.__delitem__


def _module() -> tuple[Any, Callable[[str, object], object], Callable[[str], object]]:
    module: Any = types.ModuleType("odd")
    module.one = 1
    return vars(module), lambda name, value: setattr(module, name, value), lambda name: delattr(module, name)


def _class() -> tuple[Any, Callable[[str, object], object], Callable[[str], object]]:
    made: Any = type("Made", (Namespace,), {"one": 1})
    return vars(made), lambda name, value: setattr(made, name, value), lambda name: delattr(made, name)


@pytest.mark.parametrize("make", [_plain, _module, _class])
def test_a_look_is_repeated_after_every_kind_of_write(
    make: Callable[[], tuple[Any, Callable[[str, object], object], Callable[[str], object]]],
) -> None:
    """A value that is replaced, added or removed; without a write, the last answer stands."""
    namespace, write, remove = make()
    looks: list[int] = []

    def seen() -> dict[str, object]:
        looks.append(1)
        return dict(namespace)

    look = repeated_after_writes(seen, [{}, namespace])
    changes: tuple[Callable[[], object], ...] = (
        lambda: None, lambda: write("one", 2), lambda: write("two", 2), lambda: remove("two"), lambda: write("one", []),
    )  # fmt: skip
    for expected, change in enumerate(changes, start=1):
        change()
        for _ in range(3):
            assert look() == dict(namespace)
        if dict_versions._ARE_NUMBERED:
            assert len(looks) == expected


def test_the_python_that_we_run_numbers_its_dicts() -> None:
    """Up to 3.13; from 3.14 on each look is made each time, at a few microseconds a run."""
    assert (sys.version_info < (3, 14)) == dict_versions._ARE_NUMBERED


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(
    ("patch", "name"),
    [
        (lambda patched: patched.setattr(time, "monotonic", lambda: 0.0), "time"),
        (lambda patched: patched.setattr(base64, "b64encode", bytes), "b64encode"),
        (lambda patched: patched.delattr(base64, "b64decode"), "b64decode"),
        (lambda patched: patched.setattr(ipaddress.IPv6Address, "is_global", True), "IPv6Address"),
        (lambda patched: patched.setitem(sys.modules, "json", types.ModuleType("json")), "json"),
    ],
    ids=["whole module", "part", "removed", "class", "another module"],
)
def test_a_patch_is_found_and_its_undoing_too(
    numbered: bool, patch: Callable[[pytest.MonkeyPatch], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where dicts are numbered and where they are not; what is as it was again is no leftover."""
    monkeypatch.setattr(dict_versions, "_ARE_NUMBERED", numbered and dict_versions._ARE_NUMBERED)
    patches: Any = Patches()
    assert patches.now() == []
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patched:
            patch(patched)
            assert any(name in found for found in patches.now())
        assert patches.now() == []


def test_the_environment_of_children_is_compared_by_its_contents() -> None:
    """A variable that comes, changes, and goes; the same ones again are the same, whoever wrote them."""
    os.putenv("LEFTOVER", "before")
    try:
        environment = CEnvironment()
        assert environment.is_as_before()
        for number in range(50):  # the array moves as it grows
            os.putenv(f"LEFTOVER_{number}", "behind")
        assert not environment.is_as_before()
        for number in range(50):
            os.unsetenv(f"LEFTOVER_{number}")
        assert environment.is_as_before()
        os.putenv("LEFTOVER", "behind")
        assert not environment.is_as_before()
        os.putenv("LEFTOVER", "before")
        assert environment.is_as_before()
    finally:
        os.unsetenv("LEFTOVER")


@pytest.mark.parametrize("compares", [True, False])
def test_another_file_in_place_of_standard_input_is_found(compares: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Linux compares open files, and by their inodes where it does not; the same one again is no leftover."""
    if not compares:
        monkeypatch.setattr("service.worker.leftovers.looks.same_file", lambda first, second: None)
    saved = os.dup(0)
    reader, writer = os.pipe()
    descriptors = Descriptors()
    try:
        before, count = kept(descriptors.standard()), descriptors.count()
        os.dup2(reader, 0)
        assert descriptors.standard() != before
        os.dup2(saved, 0)
        assert (descriptors.standard(), descriptors.count()) == (before, count)
    finally:
        for descriptor in (saved, reader, writer, descriptors._folder, *descriptors._copies):
            if descriptor is not None:
                os.close(descriptor)


def test_open_files_are_compared_or_it_is_said_that_they_cannot_be() -> None:
    """Linux 6.10 and later; a descriptor is of the same file as its copy and of no other, even of the same name."""
    first, second = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    copy = os.dup(first)
    try:
        assert (same_file(first, copy), same_file(first, second)) in [(True, False), (None, None)]
    finally:
        for descriptor in (first, second, copy):
            os.close(descriptor)


def test_a_reading_that_is_kept_does_not_change() -> None:
    """Lists within tuples, and mappings."""
    listed, mapped = [1], {"a": 1}
    reading = kept((listed, mapped))
    listed.append(2)
    mapped["b"] = 2
    assert reading == ([1], {"a": 1})
