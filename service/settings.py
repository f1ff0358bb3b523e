"""The settings, all from the environment.

The docstring below a field is its description; `make settings-docs` makes docs/settings.md and .env.example of them.
"""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.egress import Egress
from service.environment import is_traced, refuse_foreign
from service.errors import SettingsError
from service.secrecy import secret_hosts
from service.setting_values import is_redis_url, is_web_address, metrics_name

_UNSUBSCRIBE = re.compile(r"(?=.{1,900}\Z)(mailto:|https://)[A-Za-z0-9._~:/?#@!$&'()*+;=%{}-]+")
"""A URL (RFC 3986) that may stand between angle brackets, with names of fields in braces."""
_TAKEN = ("bot", "outcome", "trigger")
"""Labels that the same metric has anyway."""
PREFIX_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


class Settings(BaseSettings):
    """The operator's settings. An empty setting counts as unset."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """The port of the web process. `make up` listens on this machine only; other starts listen at `BIND_HOST`."""
    web_concurrency: Annotated[int, Field(ge=1, le=100)] = 2
    """Number of web processes. One serves thousands of clients at a time; two use a second processor."""
    limit_connections: Annotated[int, Field(ge=16, le=100_000)] = 4096
    """Number of clients that each web process serves at a time. Further clients are answered 503. Each client needs an
    open file; if the system's limit is too low, the process warns at its start and serves fewer clients."""

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """Redis 6.2 or later, or Valkey 7.2 or later: `redis://`, `rediss://` or `unix://`. If it is unset, `make up`
    starts its own Valkey, which no other user of the machine can reach."""
    redis_prefix: Annotated[str, Field(pattern=PREFIX_PATTERN)] = "bot-scheduler"
    """First part of every key, of the queue's name and of the workers' names. Installations with different prefixes
    can share one database."""
    redis_pool_size: Annotated[int, Field(ge=1, le=1000)] = 4
    """Redis connections for the threads of each web process. These threads serve pages, contacts, imports and exports.
    A request that waits longer than one second for a connection is answered 503. Each process has up to six more: one
    that all other requests share, one for lists, one for the news of runs, and three for alerts and the watch."""
    redis_tls_verify: str = "full"
    """How to verify the certificate of a `rediss://` server: `full`, the path of a CA file, or `none` (Heroku's
    certificates are self-signed)."""

    api_key: SecretStr | None = None
    """The key that clients of the API must send, 16 characters or more. If it is unset, `make up` creates one, keeps it
    in `DATA_DIR/api_key` and shows it on a terminal only. Without `make up`, the web process refuses to start. A
    shorter key, or a known example, works but causes a warning at each start."""
    api_key_previous: SecretStr | None = None
    """The previous key, which the API also accepts while clients change over."""

    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, Field(examples=["10.0.0.0/8,192.0.2.7"])] = ()
    """Networks and addresses of your reverse proxies, separated by commas. If a request comes from one of these,
    `X-Forwarded-For` tells who sent it. If it is unset, the sender is the other end of the connection."""
    guess_limit: Annotated[int | None, Field(ge=1, le=1_000_000, examples=[1000])] = None
    """Number of wrong keys that one address may send in a minute. Further ones are answered 429 instead of 401. A valid
    key is always accepted. If it is unset, the answer stays 401."""
    rate_limit: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Number of requests a second that each key may send; more are answered 429. 0 means no limit."""

    data_dir: Path = Path("var")
    """Where `make up` keeps its key and the data of its Valkey. While `make up` runs, the Valkey's socket and the
    addresses of the service (`url`) and the Valkey (`redis_url`) are there, too. In a checkout, the default is `var`.
    In an installed package, it is the user's data folder (see docs/cli.md)."""
    history_limit: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Number of ended runs to keep for each job."""
    log_runs: Annotated[int, Field(ge=0, le=1000)] = 20
    """Number of newest runs of each job whose logs are kept. Each log keeps its first and its last 32 KiB."""
    max_jobs: Annotated[int, Field(ge=0)] = 0
    """Largest number of jobs; 0 means no limit. Further jobs are refused (409). Existing jobs stay."""
    max_contacts: Annotated[int, Field(ge=0)] = 0
    """Largest number of contacts; 0 means no limit. Further contacts are refused (409). An import or a sync leaves them
    out and says so."""
    min_interval_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] = 1
    """The shortest interval of a schedule of type `interval`. Shorter ones are refused when a schedule is created or
    changed; stored jobs keep theirs."""
    metrics_label: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9._-]{1,63}$")] = None
    """A label of jobs, such as `team`. `GET /metrics` then counts runs by the values of this label:
    `bot_scheduler_runs_total` has a label of the same name, with `_` for `.` and `-`. The first 50 values are counted
    separately; all others count as `other`. Give all processes the same value of this setting."""
    metrics_per_job: bool = False
    """Whether `GET /metrics` has figures of each job: its last success, how long its last run took, its failures in a
    row and its health. It has the figures of the 500 jobs that were created first, and says how many jobs it leaves
    out. The names of these jobs are then labels of the metrics."""
    audit_limit: Annotated[int, Field(ge=1000, le=10_000_000)] = 50_000
    """About how many entries of the audit log to keep. Each takes some 300 bytes of Redis' memory, more if a change
    has many fields."""
    import_limit_mb: Annotated[int, Field(ge=1, le=1024)] = 64
    """Largest address book, and largest document of jobs, that the API accepts, in MiB."""

    worker_concurrency: Annotated[int, Field(ge=1, le=100)] = 2
    """Number of worker processes, and so the number of runs at a time."""
    worker_isolation: Literal["warm", "fork"] = "warm"
    """`warm`: a worker reuses the child process that runs the bots, as long as the last run left nothing behind in it
    (see docs/write-a-bot.md). `fork`: each run gets a new process, which is slower and strictly separate."""
    worker_recycle_runs: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Replace the reused child process after this many runs, in case bots leave something in it that the worker does
    not notice. A new process costs 10 to 50 ms."""
    worker_recycle_mb: Annotated[int, Field(ge=32, le=1_048_576)] = 300
    """Replace the reused child process when it has used this much memory, in MiB."""
    lease_seconds: Annotated[int, Field(ge=10, le=300)] = 30
    """How long a run counts as alive without a sign from its worker, in seconds. If a worker dies, its run fails after
    about this time."""
    rq_commands: Literal["stop-job", "all", "none"] = "stop-job"
    """Which of RQ's commands workers obey. Every client of the Redis server can send them, whatever its database.
    `stop-job`: stop the current run, like a cancel. `all`: also `stop-execution`, `kill-horse` and `shutdown`.
    `none`: ignore all."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """`json` or `text`. `auto` means text on a terminal and under `make up`, JSON elsewhere."""

    message_url: Annotated[
        SecretStr | None, Field(examples=["mailtos://user:password@smtp.example.org?from=me@example.org&to={email}"])
    ] = None
    """Where the birthday bot sends messages: Apprise URLs, separated by spaces, with the contact's fields in braces.
    The bot uses the first URL whose fields the contact has. See docs/messages.md."""
    alert_url: SecretStr | None = None
    """Where alerts go, and the birthday bot's messages to you: Apprise URLs, separated by spaces. Alerts report a run
    that failed for good (only the first in a row), a job that recovers, is switched off or is not as expected (late,
    slow, empty), missed occurrences, news from bots (such as an address that refuses mail for good), and everything
    that is wrong with the service itself (see docs/silence.md)."""
    heartbeat_url: Annotated[SecretStr | None, Field(examples=["https://hc-ping.com/your-id"])] = None
    """The `https://` or `http://` address of a monitor elsewhere (Healthchecks, Cronitor, Better Stack and others),
    which raises the alarm when no request comes. A web process sends a request each minute while all is well. Otherwise
    it sends the reason to the same address, with `/fail` after the path. See docs/silence.md."""
    workers_wanted_seconds: Annotated[int, Field(ge=5, le=86_400)] = 60
    """How long a run may wait although a worker could take it, in seconds. Then an alert says that there is no worker,
    or that the workers take no runs. Runs that wait for a slot, a pause, a delay or a busy worker do not count."""
    public_url: Annotated[str | None, Field(pattern=r"^https?://[^\s?#]+$", examples=["https://bots.example.org"])] = (
        None
    )
    """Where people reach the console, for the links in alerts, and for the addresses of feeds, badges and pings."""
    run_links: bool = False
    """`true`: an alert of a failed run or a breach has links that snooze the job's alerts or run it again. Each link
    works once, without a key (see docs/alerts.md). Needs `PUBLIC_URL`. Set both for web processes and schedulers."""
    phone_region: Annotated[str | None, Field(examples=["US"])] = None
    """ISO code of the country whose phone numbers may be written without `+`. If it is unset, messages to such
    numbers are refused."""
    message_list_unsubscribe: Annotated[str | None, Field(examples=["https://example.org/stop/{id}"])] = None
    """A `mailto:` or `https://` URL for the `List-Unsubscribe` header of e-mails to contacts. It may contain the
    contact's fields in braces."""
    message_auto_submitted: bool = False
    """`true`: e-mails to contacts carry `Auto-Submitted: auto-generated`, so that no out-of-office reply answers
    them."""

    contacts_url: Annotated[SecretStr | None, Field(examples=["https://user:password@dav.example.org/"])] = None
    """The CardDAV server or address book that `contacts_sync` reads, with user and password. Percent-encode special
    characters (`ada%40example.org`). The address may be inside your network. See docs/address-books.md."""
    visitor_contact: str | None = None
    """How the owners of visited pages can reach you: an address or a page. The visitor sends it in its
    `User-Agent`."""
    network_allow: Annotated[str | None, Field(examples=["10.0.0.0/8,intranet.example.org"])] = None
    """The networks, addresses and host names inside your network that the visitor and the webhook may reach, separated
    by commas. A host name stands for every address to which it resolves. The metadata services of clouds, and all of
    169.254.0.0/16, stay closed unless the exact address is listed."""
    visitor_allow_private: bool = False
    """The older form of `NETWORK_ALLOW`: `true` opens every address inside the network except metadata services."""

    @property
    def traced(self) -> bool:
        """Whether runs are traced, as OpenTelemetry's own variables say; `load_settings` has checked them."""
        return is_traced(os.environ)

    @field_validator("redis_url")
    @classmethod
    def _well_formed(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        if not is_redis_url(url):
            raise ValueError(
                "is malformed; write redis://user:password@host:6379/0, with special characters in the password "
                "percent-encoded, and no option after a ? but db"
            )
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _monitor(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_web_address(value.get_secret_value()):
            raise ValueError("is malformed; write one https:// or http:// address, special characters percent-encoded")
        return value

    @field_validator("run_links")
    @classmethod
    def _has_an_address(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("public_url", "") is None:
            raise ValueError("needs PUBLIC_URL, the address of the console, for the links; set it, or leave this out")
        return value

    @field_validator("contacts_url")
    @classmethod
    def _web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_web_address(value.get_secret_value()):
            raise ValueError(
                "is malformed; write https://user:password@dav.example.org/, with special characters in the user and "
                "the password percent-encoded"
            )
        return value

    @field_validator("phone_region")
    @classmethod
    def _names_a_country(cls, value: str | None) -> str | None:
        if value is not None and value.upper() not in SUPPORTED_REGIONS:
            raise ValueError("must be the ISO code of a country, in two letters such as US or DE")
        return value and value.upper()

    @field_validator("message_list_unsubscribe")
    @classmethod
    def _unsubscribes(cls, value: str | None) -> str | None:
        if value is not None and not _UNSUBSCRIBE.fullmatch(value):
            raise ValueError(
                "must be one mailto: or https:// URL of at most 900 characters, with special characters percent-encoded"
            )
        return value

    @field_validator("network_allow")
    @classmethod
    def _names_networks(cls, value: str | None) -> str | None:
        Egress.of(value)
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [entry for entry in map(str.strip, value.split(",")) if entry] if isinstance(value, str) else value

    @field_validator("metrics_label")
    @classmethod
    def _is_free_for_metrics(cls, value: str | None) -> str | None:
        if value is not None and (metrics_name(value) in _TAKEN or metrics_name(value).startswith("__")):
            raise ValueError(f"must not be one of {', '.join(_TAKEN)}, which metrics have already, nor begin with __")
        return value

    @field_validator("redis_tls_verify")
    @classmethod
    def _usable(cls, value: str) -> str:
        if value not in ("full", "none"):
            try:
                ssl.create_default_context(cafile=value)
            except (OSError, ValueError):  # an SSLError is an OSError
                raise ValueError("must be full, none, or the path of a readable CA file") from None
        return value

    @field_validator("log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


ALLOWS_PRIVATE = (
    "VISITOR_ALLOW_PRIVATE opens every address inside the network, loopback included, to the visitor and the webhook; "
    "metadata services stay closed"
)
"""Warning about the older setting, where it is still used."""


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a setting is malformed, or a library's own variable would break a guarantee; the message names
            each setting and its allowed values, never its value.
    """
    refuse_foreign(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [
            f"{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
    else:
        problems = []
    problems += secret_hosts.check(os.environ)
    if problems:
        raise SettingsError("Settings are wrong: " + "; ".join(problems))
    return settings
