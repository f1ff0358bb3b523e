"""Uses the generated client as a program of somebody else does. Prints what it has seen, for the test."""

import json
import sys
from typing import TypeVar

from bot_scheduler_client import AuthenticatedClient
from bot_scheduler_client.api.jobs import create_job, delete_job, get_job, list_jobs, run_job, update_job
from bot_scheduler_client.api.occurrences import explain_time, preview_job
from bot_scheduler_client.models import (
    BotConfigVisitor,
    ChangeReport,
    CreateJob,
    CreateJobBotType,
    CreateJobLabels,
    CreateJobScheduleType,
    Error,
    Explanation,
    Job,
    Options,
    Preview,
    RunAccepted,
    RunRequest,
    RunRequestBotConfig,
    ScheduleDaily,
    UpdateJob,
)

Kind = TypeVar("Kind")
client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])


def good(kind: type[Kind], answer: object) -> Kind:
    """Take an answer of the kind that is expected."""
    assert isinstance(answer, kind), answer
    return answer


def asked(name: str, hour: int) -> CreateJob:
    """Describe a job."""
    return CreateJob(
        name=name,
        bot_type=CreateJobBotType.VISITOR,
        schedule_type=CreateJobScheduleType.DAILY,
        schedule_config=ScheduleDaily(hour=hour, minute=0),
        bot_config=BotConfigVisitor(dry_run=True, limit=50),
        options=Options(max_retries=2),
        labels=CreateJobLabels.from_dict({"team": "crm"}),
    )


job = good(Job, create_job.sync(client=client, body=asked("From Python", 8)))
found = list_jobs.sync(client=client, label=["team:crm"], limit=10)
assert isinstance(found, list), found
preview = good(Preview, preview_job.sync(job.id, client=client, count=3))
change = UpdateJob(schedule_config=ScheduleDaily(hour=9, minute=0))
changed = good(ChangeReport, update_job.sync(job.id, client=client, body=change, dry_run=True))
request = RunRequest(bot_config=RunRequestBotConfig.from_dict({"limit": 1}))
run = good(RunAccepted, run_job.sync(job.id, client=client, body=request))
explained = good(Explanation, explain_time.sync(job.id, client=client, at="08:00"))
refused = good(Error, create_job.sync(client=client, body=asked("x", 24)))
delete_job.sync_detailed(job.id, client=client)

print(
    json.dumps(
        {
            "name": job.name,
            "limit": job.bot_config["limit"],
            "found": [one.name for one in found],
            "preview": len(preview.occurrences),
            "fields": list(changed.changes[0].fields.additional_properties),
            "run": run.status,
            "explained": bool(explained.sentence),
            "refused": [one.field for one in refused.errors or []],
            "gone": get_job.sync_detailed(job.id, client=client).status_code,
        }
    )
)
