"""Pings of heartbeat jobs, as the route notes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from service.bots.heartbeat.bot import HeartbeatConfig
from service.domain.access.callers import SERVICE, act_as_before, act_for
from service.domain.heartbeats.pings import Word
from service.store.server.redis_clock import RedisClock
from service.usecases.heartbeats.pings import Pings
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from tests.support.store_rig import EchoConfig, Rig

CONFIGS: dict[str, type[BaseModel]] = {"echo": EchoConfig, "heartbeat": HeartbeatConfig}


def know_heartbeats(rig: Rig) -> None:
    """Adds the bot to those that the rig's jobs may have."""
    rig.jobs, rig.use = Jobs(rig.scripts, RedisClock(rig.client), CONFIGS), Runs(rig.scripts, CONFIGS)


def watched(rig: Rig, **fields: Any) -> str:
    """Creates a heartbeat job, each minute unless `fields` say otherwise. Returns its id."""
    return rig.make_job(**{"bot_type": "heartbeat", **fields})


def ping(rig: Rig, job_id: str, word: Word = "success", rid: str | None = None, text: str = "") -> dict[str, Any]:
    """Sends one with a key of the job's own. Returns the answer."""
    token = act_for(replace(SERVICE, job_id=job_id))
    try:
        return Pings(rig.scripts, RedisClock(rig.client)).note(word, rid, text.encode())
    finally:
        act_as_before(token)


def shown(rig: Rig, job_id: str) -> list[tuple[str, str | None]]:
    """The states and errors of a job's runs, the newest first."""
    return [(run["status"], run["error"]) for run in rig.history(job_id)]
