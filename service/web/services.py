"""Services of the web process: the use cases and limits that the API and the console share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.bots.protocol import Bot
from service.store.counters import Reading
from service.usecases.contacts import ContactBook
from service.usecases.definitions import Definitions
from service.usecases.health import Health
from service.usecases.jobs import Jobs
from service.usecases.message_test import MessageTester
from service.usecases.runs import Runs
from service.web.http.auth import ApiKeys
from service.web.http.pools import Pool
from service.web.http.refusals import Refusals
from service.web.live.hub import NewsHub
from service.web.loop_lag import LoopLag

Bots = Mapping[str, type[Bot]]
"""Bot type -> bot class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that resources are built from. `service.asgi` makes it once a process.

    Args:
        jobs: the use cases of jobs.
        runs: the use cases of runs.
        contacts: the address book.
        definitions: export and apply.
        hub: the clients that follow logs or wait for runs.
        health: tells whether the service works.
        message_tester: sends test messages.
        reading: reads the current measurements; raises StoreUnavailable while Redis is away.
        bots: bot type -> bot class.
        keys: the API keys.
        pages: the threads for short work: pages, contacts, previews.
        long: the threads for imports, exports, documents and test messages.
        import_limit_mb: the longest import or document, MiB.
        refusals: counts wrong API keys.
        loop_lag: measures how late the event loop comes.
        weak_keys: a sentence for each API key that could be guessed.
    """

    jobs: Jobs
    runs: Runs
    contacts: ContactBook
    definitions: Definitions
    hub: NewsHub
    health: Health
    message_tester: MessageTester
    reading: Callable[[], Reading]
    bots: Bots
    keys: ApiKeys
    pages: Pool
    long: Pool
    import_limit_mb: int
    refusals: Refusals = field(default_factory=Refusals)
    loop_lag: LoopLag = field(default_factory=LoopLag)
    weak_keys: Sequence[str] = ()

    @property
    def import_limit(self) -> int:
        """The longest import or document, in bytes."""
        return self.import_limit_mb * 2**20
