"""Side doors: what a scope must not reach through another one, one check each, for use cases to call.

A run by hand must not change what its job does, a limited key must not send a secret to a host of its own choice, and
only who may see the address book sees what bots write about persons.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from service.bots.support.secrets import names_in
from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.domain.job import JobDefinition
from service.errors import Forbidden
from service.secrecy.secret_hosts import hosts_of
from service.secrecy.secret_names import SUFFIX
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.usecases.views import Shown

WITHHELD = "This is about persons; it needs the scope contacts"
"""Stands in the place of results, errors and log lines that a caller may not see."""
UNREAD = "This key may run jobs, but not read what runs have written; that needs the scope read"
"""Stands in the place of results and errors where a caller without `read` waits for a run, or cancels one."""
REHEARSAL = {"dry_run": True}
"""The overlay that lets a run do less than its job, never more."""


def require_overlay(overlay: Mapping[str, Any] | None) -> None:
    """Refuse an overlay that changes what a run does, unless the caller may change jobs.

    Raises:
        Forbidden: it is more than a rehearsal, and the caller lacks the scope `write`.
    """
    if overlay is not None and not _is_rehearsal(overlay):
        caller().require(Scope.WRITE)


def require_bound_run(config: Mapping[str, Any], overlay: Mapping[str, Any]) -> bool:
    """Refuse a limited caller's overlay over a job that names a secret which may go anywhere.

    The secret may be the job's and the host the overlay's, so both are looked at together. A rehearsal sends nothing.

    Args:
        config: the job's.
        overlay: for one run.

    Returns:
        Whether the worker must look once more when the run starts: the job may be changed while the run waits.

    Raises:
        Forbidden: a secret is not bound to hosts.
    """
    if caller().limits.are_none or _is_rehearsal(overlay):
        return False
    require_bound({**config, **overlay})
    return True


def _is_rehearsal(overlay: Mapping[str, Any]) -> bool:
    return all(REHEARSAL.get(name) is value for name, value in overlay.items())


def require_bound_secrets(definition: JobDefinition, before: JobDefinition | None = None) -> None:
    """Refuse a job of a limited caller that names a secret which may go anywhere.

    Such a caller could have it sent to a host of its own. Jobs are not looked at for other callers.

    Args:
        definition: of the job from now on.
        before: its stored one. If nothing in it that may name secrets changes, no secret goes anywhere else.

    Raises:
        Forbidden: a secret is not bound to hosts.
    """
    if not caller().limits.are_none and (before is None or _naming(before) != _naming(definition)):
        require_bound(_naming(definition))


def _naming(definition: JobDefinition) -> list[object]:
    """Return the parts of a definition that may name secrets."""
    options = definition.options
    return [definition.bot_config, definition.schedule_config, list(options.alert_urls), list(options.ping_urls)]


def require_bound(config: object) -> None:
    """Refuse a limited caller's configuration that names a secret which may go anywhere. Raises Forbidden."""
    if caller().limits.are_none:
        return
    for name in sorted(names_in(config)):
        if hosts_of(name, os.environ) is None:
            raise Forbidden(
                "This key is limited to some jobs, and may only use secrets that are bound to hosts; "
                f"{name}{SUFFIX} is not set where the web process runs"
            )


def veiled(job: Shown, visible: Collection[str]) -> Shown:
    """Withhold the last error of a bot that handles persons from callers without the scope `contacts`.

    Args:
        job: as the API shows it.
        visible: the bots whose errors anybody with `read` may see.
    """
    if Scope.CONTACTS in caller().scopes:
        return job
    shown = orjson.loads(job) if isinstance(job, bytes) else job
    if shown["bot_type"] in visible or shown["last_run_error"] is None:
        return job
    shown = {**shown, "last_run_error": WITHHELD}
    return orjson.dumps(shown) if isinstance(job, bytes) else shown


def status_alone(run: Shown) -> Shown:
    """Leave of a run its id, its status and its times for callers without the scope `read`, who have asked for it."""
    if Scope.READ in caller().scopes:
        return run
    shown = orjson.loads(run) if isinstance(run, bytes) else run
    told = {name: shown[name] for name in ("id", "job_id", "started_at", "finished_at", "status")}
    error = None if shown["error"] is None else UNREAD
    return {**told, "result": {"withheld": UNREAD}, "error": error, "messages_sent": 0, "profiles_visited": 0}


class PersonsVeil:
    """Withholds what runs of bots that handle persons have written from callers without the scope `contacts`.

    Args:
        scripts: the scripts of this installation, for the bots of jobs.
        visible: the bots whose results anybody with `read` may see. A bot that is not known here may handle persons.
    """

    def __init__(self, scripts: Scripts, visible: Collection[str]) -> None:
        self._scripts = scripts
        self._visible = frozenset(visible)

    def over(self, entries: Sequence[Shown]) -> Sequence[Shown]:
        """Return runs as the caller may see them."""
        if not entries or Scope.CONTACTS in caller().scopes:
            return entries
        runs: list[dict[str, Any]] = [orjson.loads(run) if isinstance(run, bytes) else dict(run) for run in entries]
        covered = self._covered({str(run["job_id"]) for run in runs})
        for run in runs:
            if run["job_id"] in covered:
                run["result"] = run["result"] and {"withheld": WITHHELD}
                run["error"] = run["error"] and WITHHELD
                if run["started_at"]:  # its bot skipped it, and wrote the reason
                    run["reason"] = run["reason"] and WITHHELD
        return runs

    def covers(self, job_id: str) -> bool:
        """Return whether the caller may not see what runs of a job have written."""
        return Scope.CONTACTS not in caller().scopes and bool(self._covered({job_id}))

    def _covered(self, job_ids: Collection[str]) -> set[str]:
        ids = sorted(job_ids)
        bots = ask(self._scripts, *(("HGET", self._scripts.keys.job(job_id), "bot_type") for job_id in ids))
        return {
            job_id for job_id, bot in zip(ids, bots, strict=True)
            if not isinstance(bot, bytes) or bot.decode(errors="replace") not in self._visible
        }  # fmt: skip
