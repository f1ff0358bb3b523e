"""A template that an earlier release took and that is refused today: its job stays in sight, and its runs say why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from service.bots.birthday.bot import BirthdayBot
from service.bots.registry import configs
from service.bots.webhook.bot import WebhookBot
from service.errors import ValidationFailed
from service.settings import Settings
from service.store.jobs.job_hashes import JobStore
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from service.usecases.jobs import Jobs
from service.worker.notes import Notes
from service.worker.runner import Surroundings, carry_out
from tests.support.store_rig import Rig

GROWING = "{{ " + "[" * 20 + "name" + "]|string" * 20 + " }}"
OLD: dict[str, dict[str, Any]] = {
    "birthday": {"templates": {"fr": {"on_time": f"Hi\n\n{GROWING}"}}},
    "webhook": {"url": "https://example.org/", "body": GROWING.replace("name", "date")},
}
REASON = {
    "birthday": "bot_config.templates.fr.on_time is broken in line 3",
    "webhook": "bot_config.body is broken in line 1",
}


@pytest.mark.parametrize("bot_type", OLD)
def test_a_stored_template_that_is_refused_today_fails_its_runs_and_hides_nothing(
    redis_client: Redis, bot_type: str
) -> None:
    """The job is listed, exported, toggled; a change of it is refused until the template is changed; so is its run."""
    rig, bots = Rig.on(redis_client), {bot.name: bot for bot in (BirthdayBot, WebhookBot)}
    clock, its_configs = RedisClock(redis_client), configs(bots)
    jobs = Jobs(rig.scripts, clock, its_configs)
    valid = {"url": "https://example.org/"} if bot_type == "webhook" else {}
    body = {"name": "Old", "bot_type": bot_type, "schedule_type": "interval", "schedule_config": {"hours": 1}}
    job_id = str(jobs.create(body | {"bot_config": valid}).data["id"])
    redis_client.hset(rig.keys.job(job_id), "bot_config", json.dumps(OLD[bot_type]))

    assert jobs.get(job_id).data["bot_config"] == OLD[bot_type] == jobs.list(limit=5, cursor=None).data[0]["bot_config"]
    (exported,) = Definitions(jobs, JobStore(rig.scripts), clock, its_configs).export()
    assert exported["bot_config"] == OLD[bot_type]
    assert jobs.toggle(job_id, {"enabled": False}).data["enabled"] is False
    with pytest.raises(ValidationFailed, match=REASON[bot_type]):
        jobs.update(job_id, {"name": "New"})
    with pytest.raises(ValidationFailed, match=REASON[bot_type]):
        Definitions(jobs, JobStore(rig.scripts), clock, its_configs).apply({"version": 1, "jobs": [exported]})

    run_id = rig.use.run_now(job_id)
    claim = rig.runs.claim(run_id, "token", "worker-1", 30_000)
    assert claim is not None
    nothing: Any = lambda *_: None  # noqa: E731 - it stands for several types
    around = Surroundings(bots, None, nothing, nothing, nothing, nothing, Settings())
    outcome = carry_out(claim, around, Notes(lambda *note: True, lambda: 0.0))
    assert outcome.status == "failed" and outcome.error is not None
    assert REASON[bot_type] in outcome.error and "string is for texts and numbers" in outcome.error
    assert jobs.update(job_id, {"bot_config": valid}).data["bot_config"]
