"""What filters ask of runs. It is remembered of the runs that have ended, so that lists can look through thousands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.store.runs.run_entry import FIELDS, is_final
from service.store.scripts import Scripts
from service.store.server.asking import ask_packed, hash_fields

Facts = Mapping[str, bytes | None]
"""The values of the fields by which `RunFilter` chooses runs."""

REMEMBERED = 20_000
"""Of how many ended runs a process remembers them: some 8 MB."""
_READ = (*FIELDS[:4], "trigger", "queued_at")
"""`is_final` asks the first four."""
_ASKED = tuple((name, _READ.index(name)) for name in ("status", "job_id", "trigger", "queued_at"))


class KnownFacts:
    """Reader of the facts of runs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._ended: dict[str, Facts] = {}

    def of(self, run_ids: Sequence[str]) -> dict[str, Facts]:
        """Return the facts of runs by their ids, without those that are gone."""
        known = self._ended
        found = {run_id: known[run_id] for run_id in run_ids if run_id in known}
        missing = [run_id for run_id in run_ids if run_id not in found]
        questions = hash_fields([self._scripts.keys.run(run_id) for run_id in missing], _READ)
        for run_id, values in zip(missing, ask_packed(self._scripts, questions) if questions else (), strict=True):
            if not isinstance(values, list) or values[1] is None:
                continue
            found[run_id] = {name: values[index] for name, index in _ASKED}
            if is_final(values):
                if len(self._ended) >= REMEMBERED:
                    self._ended = {}
                self._ended[run_id] = found[run_id]
        return found
