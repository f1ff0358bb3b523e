"""What the HTTP layer asks of the rest of the service.

The resources know only these; the real ones are handed to `create_app`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Protocol

from pydantic import BaseModel, SecretStr

from service.contacts.reading.files import ReadOptions
from service.contacts.writing.exports import Kind


class Page(Protocol):
    """One page of a list, and where the next one begins (None: this was the last)."""

    @property
    def items(self) -> Sequence[Any]: ...

    @property
    def next_cursor(self) -> str | None: ...


class ShownJob(Protocol):
    """A job's id, its answer, JSON, and its definition's revision."""

    @property
    def id(self) -> str: ...

    @property
    def json(self) -> bytes: ...

    @property
    def revision(self) -> int: ...


class Jobs(Protocol):
    """The use cases around jobs; every answer is JSON-ready, every refusal a `ServiceError`."""

    def list(
        self,
        *,
        enabled_only: bool = False,
        bot_type: str | None = None,
        q: str | None = None,
        limit: int,
        cursor: str | None,
    ) -> Page: ...

    def shown_page(
        self,
        *,
        enabled_only: bool = False,
        bot_type: str | None = None,
        q: str | None = None,
        limit: int,
        cursor: str | None,
    ) -> Page: ...

    def shown_all(
        self, *, enabled_only: bool = False, bot_type: str | None = None, q: str | None = None
    ) -> Iterator[Sequence[bytes]]: ...

    def shown(self, job_id: str, /) -> ShownJob: ...

    def get(self, job_id: str, /) -> dict[str, Any]: ...

    def create_shown(self, body: object, key: str | None, /) -> ShownJob: ...

    def update(self, job_id: str, body: object, revisions: Sequence[int], /) -> dict[str, Any]: ...

    def delete(self, job_id: str, revisions: Sequence[int], /) -> None: ...

    def toggle(self, job_id: str, body: object, revisions: Sequence[int], /) -> dict[str, Any]: ...

    def preview(self, body: object, /) -> dict[str, Any]: ...

    def preview_job(self, job_id: str, /, *, from_: str | None, count: int) -> dict[str, Any]: ...


class Runs(Protocol):
    """The use cases around runs, likewise."""

    def run_now(self, job_id: str, body: object | None, key: str | None, /) -> str: ...

    def cancel(self, job_id: str, run_id: str, /) -> tuple[bool, dict[str, Any]]: ...

    def run_log(self, job_id: str, run_id: str, /) -> dict[str, Any]: ...

    def all_runs(
        self,
        *,
        limit: int,
        cursor: str | None,
        status: str | None,
        job_id: str | None,
        trigger: str | None,
        since: str | None,
        until: str | None,
    ) -> Page: ...

    def shown_runs(
        self,
        *,
        limit: int,
        cursor: str | None,
        status: str | None,
        job_id: str | None,
        trigger: str | None,
        since: str | None,
        until: str | None,
    ) -> Page: ...

    def wait_for_run(self, job_id: str, run_id: str, seconds: float, /) -> dict[str, Any] | None: ...

    def history(self, job_id: str, /, *, limit: int, cursor: str | None) -> Page: ...

    def shown_history(self, job_id: str, /, *, limit: int, cursor: str | None) -> Page: ...

    def run(self, job_id: str, run_id: str, /) -> dict[str, Any]: ...

    def shown_run(self, job_id: str, run_id: str, /) -> bytes: ...


class Health(Protocol):
    """Whether the service does its work, which never raises; and that somebody has looked."""

    def now(self) -> dict[str, Any]: ...

    def acknowledge(self) -> dict[str, Any]: ...


class News(Protocol):
    """What there is to tell of a run: the log's next lines with their numbers, the run's entry, whether that is all,
    and whether the log is not kept any more."""

    @property
    def lines(self) -> Sequence[tuple[int, str]]: ...

    @property
    def entry(self) -> dict[str, Any]: ...

    @property
    def ended(self) -> bool: ...

    @property
    def trimmed(self) -> bool: ...


class Following(Protocol):
    """Reads on in runs."""

    def news(self, run_id: str, after: int, /) -> News | None: ...


class Definitions(Protocol):
    """All definitions as one document."""

    def export(self) -> Iterator[dict[str, Any]]: ...

    def apply(self, document: object, /, *, prune: bool, dry_run: bool) -> dict[str, Any]: ...


class MessageTester(Protocol):
    """Messages that prove the channel."""

    def send(self, body: object | None, /) -> dict[str, Any]: ...


class Metrics(Protocol):
    """What is measured."""

    def expose(self, accept: str, /) -> tuple[bytes, str]: ...


class Contacts(Protocol):
    """The address book."""

    def import_stream(self, stream: IO[bytes], options: ReadOptions, /) -> dict[str, Any]: ...

    def export(self, kind: Kind, /) -> Iterator[bytes]: ...

    def page(self, limit: int, cursor: str | None, /) -> Page: ...

    def get(self, contact_id: str, /) -> Any: ...

    def create(self, body: Any, /) -> Any: ...

    def update(self, contact_id: str, body: Any, /) -> Any: ...

    def merge(self, contact_id: str, body: Any, /) -> Any: ...

    def duplicates(self, limit: int, cursor: str | None, /) -> Page: ...

    def delete(self, contact_id: str, /) -> None: ...


class Bot(Protocol):
    """One kind of work, as `GET /scheduler/bots` tells it."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def Config(self) -> type[BaseModel]: ...


Bots = Mapping[str, Any]
"""Bot type -> bot class (see `Bot`)."""


class Settings(Protocol):
    """The settings that the HTTP layer reads."""

    @property
    def api_key(self) -> SecretStr | None: ...

    @property
    def api_key_previous(self) -> SecretStr | None: ...

    @property
    def import_limit_mb(self) -> int: ...
