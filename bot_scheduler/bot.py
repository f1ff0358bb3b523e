"""The protocol that a bot's class follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from bot_scheduler.context import Context

if TYPE_CHECKING:
    from pydantic import BaseModel


class Bot(Protocol):
    """One kind of work. The service makes an instance for each run, without arguments.

    A bot whose results and logs are about persons, such as contacts, also declares `handles_persons: ClassVar[bool] =
    True`. Who reads them through the API or the console then needs the scope `contacts` beside `read`. It is no member
    of this protocol, so that bots which do not declare it still follow it.
    """

    name: ClassVar[str]
    """The job's `bot_type`: lower-case letters, digits, `_`, `-`."""
    description: ClassVar[str]
    """One sentence for people."""
    Config: ClassVar[type[BaseModel]]
    """The model of the job's `bot_config`. The service refuses unknown keys and does not coerce types."""
    uses_settings: ClassVar[tuple[str, ...]]
    """Secret settings (`MESSAGE_URL`) and secrets (`BOT_SECRET_…`) that the bot needs whatever its job names."""
    safe_to_rerun: ClassVar[bool]
    """Whether a run that a stopping worker cut short may simply run again."""

    def run(self, context: Context) -> dict[str, Any]:
        """Do the work.

        Args:
            context: the bot's view of its run.

        Returns:
            A JSON-ready dict. `messages_sent` and `profiles_visited` in it also appear as the run's counts.

        Raises:
            Exception: the run fails, with the exception's message as its error. Any exception, including the one that
                interrupts a run whose time is up, may carry the work done so far as its attribute `result`.
            RunFailed: the run fails, and is tried again only as the exception says.
            Skip: there is nothing to do. The run is skipped, and does not fail.
        """
