"""The heartbeat bot: it watches work that others do elsewhere. No worker runs it; pings make its runs."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, Field

from bot_scheduler import Context
from service.bots.support.config import StrictConfig
from service.domain.heartbeats.terms import GRACE_SECONDS, HEARTBEAT, LONGEST_GRACE_SECONDS
from service.errors import ServiceError


class HeartbeatConfig(StrictConfig):
    """The heartbeat bot's `bot_config`."""

    grace_seconds: int = Field(
        default=GRACE_SECONDS,
        ge=1,
        le=LONGEST_GRACE_SECONDS,
        description="How long after an occurrence the ping that ends its run may come; then the job is late. "
        "It is longer than the work takes.",
    )


class HeartbeatBot:
    """Watches a job that others run, by the pings that it sends."""

    name: ClassVar[str] = HEARTBEAT
    description: ClassVar[str] = "Watches a job that runs elsewhere: it sends pings, and a missing one is told."
    Config: ClassVar[type[BaseModel]] = HeartbeatConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = False

    def run(self, context: Context) -> dict[str, Any]:
        """Refuse: nothing enqueues such a run, unless outside hands do.

        Raises:
            ServiceError: always.
        """
        raise ServiceError("A heartbeat job has no work of its own: others do it, and send pings")
