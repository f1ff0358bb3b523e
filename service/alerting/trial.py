"""Trial of a rule's template, when it is saved: on the last real run that the rule is for, and on an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.alerting import wording
from service.alerting.run_links import EXAMPLE
from service.bots.support.wording import BrokenTemplate, check
from service.domain.alerting.rule import JobFacts, Rule
from service.errors import ValidationFailed
from service.store.jobs.job_marks import read_marks
from service.store.runs.run_views import History
from service.store.scripts import Scripts
from service.store.server.asking import ask

RUNS_SEARCHED = 200
"""The newest runs of all jobs among which one is searched that the rule is for."""
_EXAMPLE: Mapping[str, Any] = {
    "name": "Greet", "labels": {"team": "crm"}, "log": ["Sent 3 messages"],
    "said": {
        "kind": "failed", "job_id": "3d6d2c5e-0000-4000-8000-000000000001", "at": 1_767_225_600_000, "failures": 1,
        "run_id": "3d6d2c5e-0000-4000-8000-000000000002", "error": "the mail server did not answer",
    },
}  # fmt: skip


def check_template(scripts: Scripts, rule: Rule) -> None:
    """Check that a rule's template works.

    Args:
        scripts: the scripts of this installation.
        rule: the rule, with a template.

    Raises:
        ValidationFailed: it does not work; the message says in which line, and why.
        StoreUnavailable: Redis is away.
    """
    real = _last_real_run(scripts, rule)
    bare = {"name": "Greet", "said": {"kind": "missed", "job_id": "x", "at": 0, "occurrences": 1, "occurrence": 0}}
    samples = [
        wording.fields_of(_EXAMPLE, "UTC", "https://bots.example.org", EXAMPLE),
        wording.fields_of(bare, "UTC", "https://bots.example.org"),
    ]
    samples += [] if real is None else [wording.fields_of(real, "UTC", None)]
    try:
        check(rule.template or "", samples)
    except BrokenTemplate as error:
        raise ValidationFailed.of("template", str(error)) from None


def _last_real_run(scripts: Scripts, rule: Rule) -> dict[str, Any] | None:
    """Return what an alert would say of the last run that has ended, no rehearsal, of a job that the rule is for."""
    keys, history = scripts.keys, History(scripts)
    source = keys.runs if rule.job_id is None else keys.history(rule.job_id)
    (ids,) = ask(scripts, ("LRANGE", source, 0, RUNS_SEARCHED - 1))
    if isinstance(ids, Exception) or not ids:
        return None
    texts = [one.decode(errors="replace") for one in ids]
    names = ("job_id", "status", "started_at", "finished_at", "rehearsal", "error")
    runs = ask(scripts, *(("HMGET", keys.run(run_id), *names) for run_id in texts))
    marks = read_marks(scripts, [run[0].decode() for run in runs if isinstance(run, list) and run[0]])
    for run_id, run in zip(texts, runs, strict=True):
        job_id, status, started, finished, rehearsal, error = run if isinstance(run, list) else (None,) * 6
        its_job = "" if job_id is None else job_id.decode()
        mark = marks.get(its_job)
        if mark is None or not started or not finished or rehearsal:
            continue
        if not rule.takes(JobFacts(its_job, mark.labels, mark.bot_type)):
            continue
        (name,) = ask(scripts, ("HGET", keys.job(its_job), "name"))
        lines = history.log(run_id).parsed()[-wording.LOG_LINES :]
        said = {"kind": "success" if status == b"success" else "failed", "job_id": its_job, "run_id": run_id,
                "at": int(finished)}  # fmt: skip
        said |= {"error": error.decode(errors="replace").partition("\n")[0]} if error else {}
        return {
            "said": said, "name": (name or b"").decode(errors="replace"),
            "labels": dict(mark.labels), "log": [str(line.get("message", ""))[: wording.LINE_SIZE] for line in lines],
        }  # fmt: skip
    return None
