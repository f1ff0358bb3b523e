"""Checks of the API: its health, its key, and its reports on data, clock and processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from service.cli.client.api import Api
from service.cli.doctor.findings import WRITES_REFUSED, Finding, process_findings
from service.cli.exits import Exit, Failure
from service.cli.output.times import utc
from service.domain.notices import CLOCK_ADVICE, DATA_ADVICE
from service.domain.watching.troubles import ADVICE, is_kind


def check_api(api: Api) -> Iterator[Finding]:
    """Check that the API answers, is healthy, and accepts the key."""
    try:
        health = api.json(api.ask("GET", "/scheduler/health", accepted=(503,), seconds=10), "status")
    except Failure as failure:
        yield Finding("api", "problem", failure.sentence, "Start it (`make up`, or the platform's web process)")
        return
    if health.get("redis_connected"):
        yield Finding("api", "ok", f"answers at {api.location.url}")
    else:
        found = f"answers at {api.location.url}, but cannot use its Redis"
        yield Finding("api", "problem", found, "See the findings below, or the web process' log")
    yield from _troubles(health)
    yield from _notices(health)
    yield from _calendars(health)
    yield from _pauses(health)
    try:
        api.get("/scheduler/jobs", limit=1)
        yield Finding("key", "ok", f"the API accepts the key from {api.location.key_from}")
    except Failure as failure:
        if failure.exit is Exit.UNAUTHORISED:
            yield Finding("key", "problem", failure.sentence, "Set API_KEY to the web process' key")
        else:
            yield Finding("key", "unknown", f"not checked: {failure.sentence}", None)


def _troubles(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Report the troubles that the watch sees."""
    for trouble in health.get("troubles", ()):
        advice = ADVICE[trouble["kind"]] if is_kind(trouble["kind"]) else "See docs/silence.md"
        yield Finding("watch", "problem", f"{trouble['detail']}, since {utc(trouble['since'])}", advice)
    if "troubles" not in health and health.get("redis_connected"):
        yield Finding("watch", "ok", "sees no trouble")


def _notices(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Report data that went back and steps of the clock, as long as nobody has acknowledged them."""
    for check, field, state, well, advice in (
        ("data", "data_went_back", "problem", "has not gone back", DATA_ADVICE),
        ("clock_steps", "clock_stepped", "warning", "the clock has not stepped", CLOCK_ADVICE),
    ):
        if notice := health.get(field):
            yield Finding(check, "problem" if state == "problem" else "warning", str(notice["detail"]), advice)
        elif health.get("redis_connected"):
            yield Finding(check, "ok", well)


def _calendars(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Warn of calendars whose closed days end within 60 days."""
    if count := health.get("calendars_running_out"):
        found = f"{count} calendar{'s run' if count > 1 else ' runs'} out of closed days within 60 days"
        yield Finding("calendars", "warning", found, "Add closed days; `bot-scheduler calendars list` shows which")


def _pauses(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Warn of pauses: jobs that do not run may be paused."""
    if count := health.get("active_pauses"):
        found = f"{count} pause{'s are' if count > 1 else ' is'} in force, so some jobs do not run"
        yield Finding(
            "pauses", "warning", found, "`bot-scheduler pauses` lists them; `bot-scheduler resume ID` ends one"
        )


def check_metrics(api: Api) -> Iterator[Finding]:
    """Check schedulers, workers and the queue by the API's metrics, where Redis itself is out of reach."""
    try:
        values, leader = _metrics(api)
    except Failure as failure:
        yield Finding("scheduler", "unknown", f"the API does not say: {failure.sentence}", None)
        return
    schedulers, workers, queued = (int(values.get(name, 0)) for name in ("schedulers", "workers", "queue_depth"))
    refused = values.get("redis_takes_writes") == 0
    if refused:
        yield Finding("writes", "problem", "Redis refuses writes", WRITES_REFUSED)
    waited = values.get("queue_oldest_age_seconds", 0.0)
    yield from process_findings(schedulers, workers, leader, queued, waited, refused)


def _metrics(api: Api) -> tuple[dict[str, float], str | None]:
    """Return the metrics by name, and the active scheduler's name. Raises Failure."""
    text = api.ask("GET", "/metrics", headers={"Accept": "text/plain"}, seconds=10).text
    values: dict[str, float] = {}
    leader = None
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values[sample.name.removeprefix("bot_scheduler_")] = sample.value
                leader = sample.labels.get("scheduler", leader)
    except ValueError:
        raise api.wrong_server() from None
    if "schedulers" not in values:
        raise api.wrong_server()
    return values, leader
