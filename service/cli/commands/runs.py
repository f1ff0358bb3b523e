"""`bot-scheduler history`, `logs`, `cancel` and `preview`: what became of jobs, and what is to come."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api, segment
from service.cli.client.job_lookup import complete_names, find_id, job_path
from service.cli.client.log_stream import follow
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import At, Cron, Every, JobName, Json, Limit, On, Zone
from service.cli.input.schedule_flags import ScheduleFlags
from service.cli.output.printing import clean, coloured, line, note, out, say, show_json, show_json_line, show_table

AnyJob = Annotated[
    str | None,
    typer.Argument(metavar="[JOB]", help="A job's id or its unique name; else all.", autocompletion=complete_names),
]
TRIMMED = "The log of this run is not kept any more; LOG_RUNS says of how many runs of each job it is"
RunId = Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run's id; the newest if not told.")]


def history(
    job: AnyJob = None,
    limit: Limit = 50,
    status: Annotated[str | None, typer.Option("--status", help="queued, running, success, failed, …")] = None,
    trigger: Annotated[str | None, typer.Option("--trigger", help="schedule, manual or retry.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="2025-01-15T08:00:00, UTC unless it says.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Likewise; before this time.")] = None,
    json: Json = False,
) -> None:
    """Show runs, the newest first: a job's, or all jobs'."""
    filters = {"status": status, "trigger": trigger, "since": since, "until": until}
    job_id = None if job is None else find_id(job)
    if job_id is not None and not any(filters.values()):
        found = list(api().pages(f"{job_path(job_id)}/history", limit))
    else:
        found = list(api().pages("/scheduler/runs", limit, job_id=job_id, **filters))
    if json:
        show_json(found)
    elif not found:
        note("There are no such runs.")
    else:
        _show(found, {} if job_id else {one["id"]: one["name"] for one in api().get("/scheduler/jobs", limit=1000)})


def _show(found: list[dict[str, Any]], names: dict[str, str]) -> None:
    show_table(
        ("ASKED FOR (UTC)", "STATUS", "TRIGGER", "LATE", "TOOK", *(["JOB"] if names else []), "WHAT", "RUN"),
        [
            (
                run["queued_at"] or run["scheduled_for"], coloured(run["status"]), _trigger(run),
                _seconds(run["lateness_ms"]), _seconds(run["duration_ms"]),
                *([names.get(run["job_id"], run["job_id"])] if names else []), _what(run), run["id"],
            )
            for run in found
        ],
    )  # fmt: skip


def _trigger(run: dict[str, Any]) -> str:
    return f"{run['trigger']}, rehearsal" if run.get("rehearsal") else str(run["trigger"])


def _what(run: dict[str, Any]) -> str:
    said = str(run["error"] or run["reason"] or "")
    if run["occurrences"] > 1:
        said += f" ({run['occurrences']} occurrences)"
    if run["messages_sent"]:
        said = f"{run['messages_sent']} messages"
    elif run["profiles_visited"]:
        said = f"{run['profiles_visited']} profiles"
    return said if len(said) <= 80 else said[:79] + "…"


def _seconds(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.1f} s"


def logs(
    job: JobName,
    run: RunId = None,
    follow_: Annotated[bool, typer.Option("--follow", "-f", help="Until the run has ended.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; with --follow one line of it a log line.")] = False,
) -> None:
    """Show what a bot said during a run. --follow comes back after a broken connection and misses no line."""
    job_id = find_id(job)
    run_id = run or _newest(job_id)
    path = f"{job_path(job_id)}/runs/{segment(run_id)}/log"
    if follow_:
        for event in follow(path):
            if event.kind == "end":
                note(f"The run has ended: {event.data['status']}" + _because(event.data))
            elif event.kind == "trimmed":
                note(TRIMMED)
            elif json:
                show_json_line(event.data)
            else:
                _say_line(event.data)
        return
    answer = api().get(path)
    if json:
        show_json(answer)
    else:
        for logged in answer["lines"]:
            _say_line(logged)
    if answer.get("trimmed"):
        note(TRIMMED)


def _newest(job_id: str) -> str:
    newest = api().get(f"{job_path(job_id)}/history", limit=1)
    if not newest:
        raise Failure(Exit.NOT_FOUND, "This job has not run yet; `bot-scheduler jobs run` runs it now")
    return str(newest[0]["id"])


def _because(run: dict[str, Any]) -> str:
    return f", {line(run['error'])}" if run["error"] else ""


def _say_line(logged: dict[str, Any]) -> None:
    level = str(logged["level"]).upper()
    text = coloured(f"{logged['at']} {level:<8}", level.lower())
    message = clean(logged["message"].rstrip()).replace(
        "\n", "\n    "
    )  # set in, so that no line of it passes for another
    out().print(text.append(message, style="default"), soft_wrap=True)


def cancel(job: JobName, run: RunId = None, json: Json = False) -> None:
    """Cancel a run that waits or is under way."""
    job_id = find_id(job)
    answer = api().ask("POST", f"{job_path(job_id)}/runs/{segment(run or _newest(job_id))}/cancel")
    entry = api().json(answer)
    if json:
        show_json(entry)
    else:
        say("Cancelled" if answer.status_code == 200 else "Told to stop; it ends within 10 s")


def preview(
    job: AnyJob = None,
    at: At = None, on: On = None, every: Every = None, cron: Cron = None, timezone: Zone = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 10,
    from_: Annotated[str | None, typer.Option("--from", help="After this time; now if not told.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show when a job, or a schedule given by flags, is due next. Nothing is stored."""
    flags = ScheduleFlags(at, on, every, cron, timezone)
    if (job is None) != flags.any:
        raise Failure(Exit.USAGE, "Give either a JOB or a schedule (--at, --every, --cron)")
    if job is not None:
        answer = api().get(f"{job_path(find_id(job))}/preview", **{"count": count, "from": from_})
    else:
        body = {**flags.fields(), "count": count, **({"from": from_} if from_ else {})}
        with flags.refused_in_flags():
            answer = api().json(api().ask("POST", "/scheduler/preview", body=body), "occurrences", "local")
    if json:
        show_json(answer)
        return
    say(answer["description"])
    show_table(("UTC", "LOCAL"), zip(answer["occurrences"], answer["local"], strict=True))
