"""RQ's records of our runs: the template of an RQ job, which the scripts write.

The only module outside of the scheduler and the worker that makes one of RQ's objects.
"""

from __future__ import annotations

from redis import Redis
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from service.store.keys import Keys
from service.store.scripts import RQ_FAILURE_TTL, RQ_SUCCESS_TTL, Limits, Scripts

RUN_FUNCTION = "service.runner.run"
"""What RQ is told to call; our worker does not take it from there, but RQ's own tools show it."""


def rq_template(keys: Keys, connection: Redis) -> dict[str, bytes]:
    """The fields that every RQ job of this installation has in common, as `Job.to_dict()` makes them.

    The job's id is the run's id and it has no arguments: that id is all that RQ carries.
    """
    job = RQJob.create(
        RUN_FUNCTION, connection=connection, serializer=JSONSerializer, origin=keys.queue_name,
        timeout=-1, result_ttl=RQ_SUCCESS_TTL, failure_ttl=RQ_FAILURE_TTL,
    )  # fmt: skip
    varying = {"status", "created_at", "enqueued_at", "description"}
    fields = {name: value for name, value in job.to_dict().items() if name not in varying and value != ""}
    return {name: value if isinstance(value, bytes) else str(value).encode() for name, value in fields.items()}


def make_scripts(client: Redis, keys: Keys, limits: Limits) -> Scripts:
    """The scripts of an installation, RQ's part included."""
    return Scripts(client, keys, limits, rq_template(keys, client))
