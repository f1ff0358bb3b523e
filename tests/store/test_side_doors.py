"""Side doors of runs: what `run` alone shows of them, and overlays over jobs that are changed while a run waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from service.bots.support.secrets import Vault
from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL, Scope
from service.domain.run_records import Outcome
from service.store.server.redis_clock import RedisClock
from service.usecases.access.side_doors import UNREAD
from service.usecases.jobs import Jobs
from service.usecases.runs import Runs
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig
from tests.support.work_horse import carry_out, tame_horse

ROOT = Caller("root", "root", ALL)
LIMITED = Caller("k1", "a key", ALL, Limits(bot_types=frozenset({"echo"})))
OVERLAY = {"bot_config": {"url": "https://elsewhere.example/"}}


class SendsConfig(BaseModel):
    """A secret, and where it goes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = False
    url: str = "https://own.example/"
    token: str = ""


class Sends:
    """A bot that sends its secret."""

    name = "echo"
    Config = SendsConfig
    sent: list[tuple[str, str]] = []

    def run(self, context: Any) -> dict[str, Any]:
        """Note what would be sent."""
        config = context.config
        self.sent.append((config.url, context.secrets.text(config.token, config.url)))
        return {}


@pytest.fixture(autouse=True)
def callers() -> Iterator[None]:
    """The root key asks, unless a test says otherwise."""
    Sends.sent.clear()
    token = act_for(ROOT)
    yield
    act_as_before(token)


def changed_meanwhile(rig: Rig, server: ValkeyServer, who: Caller, **environment: str) -> tuple[str, str]:
    """A run with an overlay of this caller waits, and its job gets a secret. Returns the job and the ended run."""
    configs: Any = {"echo": SendsConfig}
    jobs, runs = Jobs(rig.scripts, RedisClock(rig.client), configs), Runs(rig.scripts, configs)
    job_id = rig.make_job(bot_config={}, options={"max_retries": 1, "retry_delay_seconds": 0})
    act_for(who)
    run_id = runs.run_now(job_id, OVERLAY)
    act_for(ROOT)
    jobs.update(job_id, {"bot_config": {"token": "env:BOT_SECRET_X"}})
    carry_out(tame_horse(server.client(), rig.keys, Sends, Vault({"BOT_SECRET_X": "x" * 20, **environment})), run_id)
    return job_id, run_id


def test_a_waiting_overlay_of_a_limited_key_gets_no_secret_that_may_go_anywhere(
    rig: Rig, valkey_server: ValkeyServer
) -> None:
    """The run fails when it starts, and says why; so would a retry."""
    job_id, run_id = changed_meanwhile(rig, valkey_server, LIMITED)
    run = rig.runs.get(run_id)
    assert run is not None and run["status"] == "failed" and "BOT_SECRET_X_HOSTS is not set" in run["error"]
    assert Sends.sent == []
    retries = [one["id"] for one in rig.history(job_id) if one["trigger"] == "retry"]
    assert all(rig.client.hget(rig.keys.run(one), "bound") == b"1" for one in retries)


def test_a_key_without_limits_may_lay_what_it_will(rig: Rig, valkey_server: ValkeyServer) -> None:
    """It could change the job as well."""
    _, run_id = changed_meanwhile(rig, valkey_server, ROOT)
    run = rig.runs.get(run_id)
    assert run is not None and run["status"] == "success" and "bound" not in run
    assert Sends.sent == [("https://elsewhere.example/", "x" * 20)]


def test_a_bound_secret_goes_where_it_may(rig: Rig, valkey_server: ValkeyServer) -> None:
    """Also from a limited key's overlay."""
    _, run_id = changed_meanwhile(rig, valkey_server, LIMITED, BOT_SECRET_X_HOSTS="elsewhere.example")
    run = rig.runs.get(run_id)
    assert run is not None and run["status"] == "success"
    assert Sends.sent == [("https://elsewhere.example/", "x" * 20)]


def test_who_may_not_read_sees_how_a_run_ended_and_not_what_it_wrote(rig: Rig) -> None:
    """At the end of a wait and of a cancel, which `run` alone allows; sentences stand in the place of the rest."""
    run_id = rig.use.run_now(job_id := rig.make_job())
    token = rig.start(run_id)
    rig.runs.finish(run_id, token, Outcome("failed", "the secret reason", {"told": "words of the bot"}))
    whole = rig.use.run(job_id, run_id).data
    act_for(Caller("k1", "a key", frozenset({Scope.RUN, Scope.CONTACTS})))
    shown = rig.use.run(job_id, run_id).data
    alike = ("id", "job_id", "started_at", "finished_at", "status")
    assert {name: shown[name] for name in alike} == {name: whole[name] for name in alike}
    assert shown["status"] == "failed" and shown["result"] == {"withheld": UNREAD} and shown["error"] == UNREAD
    assert "secret" not in str(shown) and "words" not in str(shown)
    _, cancelled = rig.use.cancel(job_id, rig.use.run_now(job_id))
    assert cancelled.data["status"] == "cancelled" and cancelled.data["result"] == {"withheld": UNREAD}
