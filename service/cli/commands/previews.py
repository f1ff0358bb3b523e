"""`bot-scheduler preview`: when a job, or a schedule that is not stored, is due next."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service.cli.client.api import api
from service.cli.client.completing import complete_names
from service.cli.client.job_lookup import find_job, job_path
from service.cli.exits import Exit, Failure
from service.cli.input.arguments import File, Json, Options, laid_over, parsed_pairs
from service.cli.input.job_files import read_definition
from service.cli.input.moments import to_come
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
from service.cli.output.formats import show_data
from service.cli.output.printing import note, out, say
from service.cli.output.schedule_words import occurrence_note
from service.cli.output.tables import Column, show_table
from service.cli.output.times import utc

PreviewedJob = Annotated[
    str | None,
    typer.Argument(metavar="JOB", help="The job's id, or its name if it is unique.", autocompletion=complete_names),
]


def preview(
    job: PreviewedJob = None,
    at: At = None, on: On = None, every: Every = None, monthly: Monthly = None, months: Months = None,
    short_months: ShortMonth = None, once: Once = None, cron: Cron = None, rrule: Rule = None, dtstart: Start = None,
    timezone: Zone = None, calendar: CalendarName = None, on_closed: OnClosed = None, option: Options = None,
    file: File = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="Show at most this many times.")] = 10,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", callback=to_come, help="Only times after this one (default: now)."),
    ] = None,
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
        show_data(answer)
        return
    say(answer["description"])
    heading = "IN ITS TIME ZONE" if job is None else "IN THE JOB'S TIME ZONE"
    rows = [(one["at"], one["at"], one["local"], occurrence_note(one)) for one in answer["details"]]
    columns = (Column("WHEN", "time", rank=1), Column("UTC", "local", rank=2), Column(heading, "local"), Column("NOTE"))
    used = [place for place in range(len(columns)) if place or out().is_terminal]  # a pipe needs no time twice
    used = used if any(row[-1] for row in rows) else used[:-1]
    show_table([columns[place] for place in used], [[row[place] for place in used] for row in rows])
    if found is not None and "paused_until" in found and rows:
        until = found["paused_until"]
        note(f"The job is paused until {'somebody ends that' if until is None else utc(until)}; "
             "nothing of this runs before.")  # fmt: skip
