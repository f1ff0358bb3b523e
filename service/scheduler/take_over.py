"""Takes over, once a second, what processes of the release before schema 3 still do while they are up.

Their workers have runs under way, which they end by their own scripts, and these know neither today's counts nor
today's queue (decision 0050). Once the last of them is gone, a look costs one command and finds nothing.
"""

from __future__ import annotations

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from rq.worker_registration import clean_worker_registry

from service.store.older_jobs import OlderJobs
from service.store.scripts import Scripts
from service.store.server.translation import translate_errors

STEPS = 20
"""The most steps of one look, each a few milliseconds of Redis' time; the next look goes on."""


class TakeOver:
    """The leader's look at what the older release has left.

    Args:
        scripts: the scripts of this installation.
        client: for RQ's own registry of workers.
    """

    def __init__(self, scripts: Scripts, client: Redis) -> None:
        self._older = OlderJobs(scripts)
        self._client = client
        self._queue_name = scripts.keys.old_queue_name

    def look(self) -> None:
        """Take over what there is."""
        if not self._older.is_at_work():
            return
        for _ in range(STEPS):
            if not self._older.take_over():
                break
        with translate_errors():
            clean_worker_registry(Queue(self._queue_name, connection=self._client, serializer=JSONSerializer))
