"""`bot-scheduler history`, `logs`, `cancel` and `preview`: past and coming runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

import typer

from service.batches import batched
from service.cli.client.api import api, segment
from service.cli.client.job_lookup import complete_names, find_id, find_job, job_path
from service.cli.client.log_stream import follow
from service.cli.client.run_lookup import NoRunYet, chosen_run, newest_run
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import (
    File,
    JobName,
    Json,
    LabelFilter,
    Limit,
    Options,
    label_filters,
    laid_over,
    parsed_pairs,
)
from service.cli.input.job_files import read_definition
from service.cli.input.schedule_arguments import (
    At,
    CalendarName,
    Cron,
    Every,
    Monthly,
    Months,
    On,
    Once,
    OnClosed,
    Rule,
    ShortMonth,
    Start,
    Zone,
    calendar_options,
)
from service.cli.input.schedule_flags import ScheduleFlags
from service.cli.output.printing import (
    clean,
    coloured,
    counted,
    line,
    note,
    out,
    say,
    show_json,
    show_json_line,
    show_table,
    utc,
)
from service.cli.output.schedule_words import occurrence_note

AnyJob = Annotated[
    str | None,
    typer.Argument(
        metavar="[JOB]",
        help="The job's id, or its name if it is unique; without it, all jobs.",
        autocompletion=complete_names,
    ),
]
PreviewedJob = Annotated[
    str | None,
    typer.Argument(metavar="[JOB]", help="The job's id, or its name if it is unique.", autocompletion=complete_names),
]
NAMED_AT_ONCE = 50
"""Jobs that one request names by their ids: more would make an address that some proxies refuse."""
TRIMMED = "The log of this run is no longer kept; LOG_RUNS sets how many logs each job keeps"
RunId = Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run's id; without it, the newest run.")]


def history(
    job: AnyJob = None,
    limit: Limit = 50,
    status: Annotated[
        str | None, typer.Option("--status", help="Only these: queued, running, success, failed, cancelled or skipped.")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option("--trigger", help="Only these: schedule, manual, retry or backfill.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="From this time on, such as 2025-01-15T08:00:00; UTC without an offset."),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before this time, in the same format.")] = None,
    label: LabelFilter = None,
    json: Json = False,
) -> None:
    """Show the runs of one job or of all jobs, newest first."""
    filters = {"status": status, "trigger": trigger, "since": since, "until": until, "label": label_filters(label)}
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
        _show(found, {} if job_id else _names({run["job_id"] for run in found}))


def _names(ids: Collection[str]) -> dict[str, str]:
    """Read the names of these jobs alone; one that is deleted has none."""
    return {
        job["id"]: job["name"]
        for some in batched(sorted(ids), NAMED_AT_ONCE)
        for job in api().get("/scheduler/jobs", id=list(some))
    }


def _show(found: list[dict[str, Any]], names: dict[str, str]) -> None:
    show_table(
        ("QUEUED (UTC)", "STATUS", "TRIGGER", "LATE", "DURATION", *(["JOB"] if names else []), "RESULT", "RUN"),
        [
            (
                run["queued_at"] or run["scheduled_for"], coloured(run["status"]), trigger_of(run),
                _seconds(run["lateness_ms"]), _seconds(run["duration_ms"]),
                *([names.get(run["job_id"], run["job_id"])] if names else []), result_of(run), run["id"],
            )
            for run in found
        ],
    )  # fmt: skip


def trigger_of(run: dict[str, Any]) -> str:
    """Say why a run was made, and what else is to be known of it: `manual, again, for 2027-01-15T08:00:00`."""
    told = [str(run["trigger"])]
    told += ["rehearsal"] if run.get("rehearsal") else []
    told += ["again"] if "again_of" in run else []
    told += ["on hold"] if "held_by" in run else []
    told += [f"for {utc(run['not_before'])}"] if "not_before" in run and run["status"] == "queued" else []
    return ", ".join(told)


def result_of(run: dict[str, Any]) -> str:
    """Summarize how a run ended: why it failed or was skipped, else what it did."""
    skipped = f"Skipped: {run['reason']}" if run["reason"] and run["started_at"] else run["reason"]
    said = str(run["error"] or skipped or _counts(run))
    if run["occurrences"] > 1:
        said = f"{said} ({run['occurrences']} occurrences)".lstrip()
    return said if len(said) <= 80 else said[:79] + "…"


def _counts(run: dict[str, Any]) -> str:
    counts = ((run["messages_sent"], "message"), (run["profiles_visited"], "profile"))
    sent = ", ".join(counted(count, word) for count, word in counts if count)
    result = run["result"] if isinstance(run["result"], dict) else {}
    if sent or not result:
        return sent
    if run.get("rehearsal") or result.get("dry_run"):
        return "rehearsed"
    return f"{result['already']} already greeted" if result.get("already") else ""


def _seconds(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.1f} s"


def logs(
    job: JobName,
    run: RunId = None,
    follow_: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until the run ends.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON; with --follow, one line of JSON for each line of the log.")
    ] = False,
) -> None:
    """Show the log of a run. --follow resumes after a broken connection and misses no line."""
    job_id = find_id(job)
    run_id = run or _newest(job_id)
    path = f"{job_path(job_id)}/runs/{segment(run_id)}/log"
    if follow_:
        for event in follow(path):
            if event.kind == "end":
                note(f"The run has ended: {event.data['status']}" + _reason(event.data))
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
        if not answer["lines"] and not answer.get("trimmed"):
            note("The run logged nothing.")
    if answer.get("trimmed"):
        note(TRIMMED)


def _newest(job_id: str) -> str:
    try:
        return str(newest_run(job_id)["id"])
    except NoRunYet:
        raise
    except Failure as failure:
        if failure.exit is not Exit.NOT_FOUND:
            raise
        hint = "if this is a run's id, name its job before it: bot-scheduler logs JOB RUN"
        raise Failure(failure.exit, f"{failure.sentence}; {hint}", failure.errors) from None


def _reason(run: dict[str, Any]) -> str:
    why = run["error"] or run.get("reason")
    return f", {line(why)}" if why else ""


def _say_line(logged: dict[str, Any]) -> None:
    level = str(logged["level"]).upper()
    text = coloured(f"{logged['at']} {level:<8}", level.lower())
    # Indented, so that no line of the message passes for another message.
    message = clean(logged["message"].rstrip()).replace("\n", "\n    ")
    out().print(text.append(message, style="default"), soft_wrap=True)


def cancel(job: JobName, run: RunId = None, json: Json = False) -> None:
    """Cancel a queued or running run."""
    job_id = find_id(job)
    run_id = chosen_run(job_id, run)
    answer = api().ask("POST", f"{job_path(job_id)}/runs/{segment(run_id)}/cancel")
    entry = api().json(answer)
    if json:
        show_json(entry)
    else:
        say(
            f"Cancelled run {run_id}" if answer.status_code == 200 else f"Run {run_id} is stopping; it ends within 10 s"
        )


def preview(
    job: PreviewedJob = None,
    at: At = None, on: On = None, every: Every = None, monthly: Monthly = None, months: Months = None,
    short_months: ShortMonth = None, once: Once = None, cron: Cron = None, rrule: Rule = None, dtstart: Start = None,
    timezone: Zone = None, calendar: CalendarName = None, on_closed: OnClosed = None, option: Options = None,
    file: File = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="Show at most this many times.")] = 10,
    from_: Annotated[str | None, typer.Option("--from", help="Only times after this one (default: now).")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show when a job, or the schedule in the flags or the file, is due next. Nothing is stored."""
    flags = ScheduleFlags(
        once=once, monthly=monthly, rrule=rrule, cron=cron, every=every, at=at, on=on,
        months=months, short_months=short_months, dtstart=dtstart, timezone=timezone,
    )  # fmt: skip
    options = parsed_pairs("--option", option) | calendar_options(calendar, on_closed)
    if (job is None) != (flags.any or file is not None) or (job is not None and options):
        raise Failure(Exit.USAGE, "Give either a JOB or a schedule, such as --at, --every, --cron or --file")
    found = None if job is None else find_job(job)
    if found is not None:
        answer = api().get(f"{job_path(found['id'])}/preview", **{"count": count, "from": from_})
    else:
        fields = {} if file is None else read_definition(file)
        fields |= flags.fields()
        if options:
            fields["options"] = laid_over(fields.get("options"), options)
        body: dict[str, Any] = {
            **{name: fields[name] for name in ("schedule_type", "schedule_config", "options") if name in fields},
            "count": count,
            **({"from": from_} if from_ else {}),
        }
        with flags.refused_in_flags():
            answer = api().json(api().ask("POST", "/scheduler/preview", body=body), "description", "details")
    if json:
        show_json(answer)
        return
    say(answer["description"])
    heading = "IN ITS TIME ZONE" if job is None else "IN THE JOB'S TIME ZONE"
    rows = [(one["at"], one["local"], occurrence_note(one)) for one in answer["details"]]
    if any(note for _, _, note in rows):
        show_table(("UTC", heading, "NOTE"), rows)
    else:
        show_table(("UTC", heading), [row[:2] for row in rows])
    if found is not None and "paused_until" in found and rows:
        until = found["paused_until"]
        note(f"The job is paused until {'somebody ends that' if until is None else utc(until)}; "
             "nothing of this runs before.")  # fmt: skip
