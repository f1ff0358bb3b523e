"""RQ's records of our runs: the template of an RQ job, which the scripts write.

Short on purpose: no other module outside the scheduler and the worker makes one of RQ's objects.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime, strftime  # as they are now: a bot may put others in their place

from redis import Redis
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from service.store.keys import Keys
from service.store.scripts import RQ_FAILURE_TTL, Limits, Scripts

RUN_FUNCTION = "service.runner.run"
"""The function that RQ would call; our worker does not read it, but RQ's own tools show it."""


def rq_template(keys: Keys, connection: Redis) -> dict[str, bytes]:
    """Make the fields that all RQ jobs of this installation share, as `Job.to_dict()` writes them.

    The job's id is the run's id, and it has no arguments: RQ carries nothing but the id. Successes are kept for as long
    as RQ does without being told. What RQ would call is not compressed, which would make it longer; RQ reads both.
    """
    job = RQJob.create(
        RUN_FUNCTION, connection=connection, serializer=JSONSerializer, origin=keys.queue_name, timeout=-1,
        failure_ttl=RQ_FAILURE_TTL,
    )  # fmt: skip
    varying = {"status", "created_at", "enqueued_at", "description"}
    fields = {name: value for name, value in job.to_dict().items() if name not in varying and value != ""}
    fields["data"] = job.data
    return {name: value if isinstance(value, bytes) else str(value).encode() for name, value in fields.items()}


def make_scripts(client: Redis, keys: Keys, limits: Limits) -> Scripts:
    """Make the scripts of an installation, RQ's part included."""
    return Scripts(client, keys, limits, rq_template(keys, client))


def timestamp(ms: int) -> str:
    """Write a time, epoch milliseconds, as RQ's timestamp, as `lua/shared/iso.lua` does."""
    return f"{_second(ms // 1000)}{ms % 1000:03d}000Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S.", gmtime(second))
