"""Write docs/settings.md and .env.example from the settings in `service.settings`: `make settings-docs`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / ".env.example"
WIDTH = 118


@dataclass(frozen=True)
class Entry:
    """One setting as the documents show it.

    Args:
        name: the environment variable; `…` stands for a part that the operator chooses.
        default: its text, or "" without one.
        meaning: its description, in Markdown.
        example: the line of .env.example, `NAME=value`.
    """

    name: str
    default: str
    meaning: str
    example: str


ELSEWHERE = {
    "BIND_HOST": Entry(
        "BIND_HOST",
        "0.0.0.0",
        "The address or host name at which the web process listens. An IPv6 address may have brackets. "
        "`make up` accepts loopback addresses (`::1`) and uses 127.0.0.1 instead of any other.",
        "BIND_HOST=0.0.0.0",
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Entry(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "The `http://` or `https://` address of an OpenTelemetry collector, to which traces of runs go. Needs the "
        "extra `traces`. Other OTEL_* variables mean what they mean to OpenTelemetry's SDK. See docs/traces.md.",
        "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
    ),
    "OTEL_EXPORTER_OTLP_HEADERS": Entry(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        "Secret. Headers for the collector: `name=value`, separated by commas, with percent-encoded values.",
        "OTEL_EXPORTER_OTLP_HEADERS=",
    ),
    "BOT_SECRET_…": Entry(
        "BOT_SECRET_…",
        "",
        "Secrets that jobs refer to as `env:BOT_SECRET_…`: keys and addresses of webhooks, Apprise URLs of "
        "`alert_urls`. See docs/webhook.md.",
        "BOT_SECRET_BOOKS=",
    ),
    "BOT_SECRET_…_HOSTS": Entry(
        "BOT_SECRET_…_HOSTS",
        "",
        "The hosts that may receive that secret. Without this list, any host may.",
        "BOT_SECRET_BOOKS_HOSTS=hooks.example.org,*.example.net",
    ),
}
"""Variables that are no fields of `Settings`: for gunicorn's configuration, secrets of bots and OpenTelemetry."""

SECTIONS = {
    "Web": ("port", "BIND_HOST", "web_concurrency", "limit_connections"),
    "Redis": ("redis_url", "redis_prefix", "redis_pool_size", "redis_tls_verify"),
    "API key": ("api_key", "api_key_previous", "trusted_proxies", "guess_limit", "rate_limit"),
    "Data": ("data_dir", "history_limit", "log_runs", "audit_limit", "import_limit_mb"),
    "Quotas": ("max_jobs", "max_contacts", "min_interval_seconds"),
    "Workers": (
        "worker_concurrency", "worker_isolation", "worker_recycle_runs", "worker_recycle_mb", "lease_seconds",
        "rq_commands",
    ),
    "Logs, metrics, traces": (
        "log_level", "log_format", "metrics_label", "metrics_per_job", "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ),
    "Messages and alerts": (
        "message_url", "alert_url", "public_url", "run_links", "heartbeat_url", "workers_wanted_seconds",
        "phone_region", "message_list_unsubscribe", "message_auto_submitted",
    ),
    "Bots": (
        "contacts_url", "BOT_SECRET_…", "BOT_SECRET_…_HOSTS", "visitor_contact", "network_allow",
        "visitor_allow_private",
    ),
}  # fmt: skip

INTRODUCTION = """\
# Settings

Which settings are there, what are their defaults, and what does each do?

All settings come from environment variables. `make up` also reads the file `.env`; copy [.env.example](../.env.example)
to start with. On this page, `make up` also stands for [`bot-scheduler up`](cli.md#processes), which does the same. A
variable that is already set wins over `.env`, and an empty one counts as unset.

A malformed setting stops the start with a line that names it. `MESSAGE_URL`, `ALERT_URL` and the values of
`BOT_SECRET_…` are checked later: by `./bot-scheduler doctor`, and by the first run or alert that uses them. To prove
that messages arrive, send one with `POST /scheduler/messages/test`.

The command line has [settings of its own](cli.md#which-service-and-which-key).

<!-- written by `make settings-docs` from service/settings.py; do not edit -->
"""


def page() -> str:
    """Return the text of docs/settings.md."""
    return INTRODUCTION + "".join(_section(title, names) for title, names in SECTIONS.items())


def example() -> str:
    """Return the text of .env.example."""
    head = (
        "# Copy to .env, which `make up` reads. Variables that are already set win. `make settings-docs` writes it.\n"
    )
    return head + "".join(f"\n# {title}\n" + "".join(_example_lines(names)) for title, names in SECTIONS.items())


def _section(title: str, names: tuple[str, ...]) -> str:
    rows = [f"| `{one.name}` | {_code(one.default)} | {_linked(one.meaning)} |\n" for one in map(_entry, names)]
    return f"\n## {title}\n\n| setting | default | meaning |\n|---|---|---|\n" + "".join(rows)


def _example_lines(names: tuple[str, ...]) -> Iterator[str]:
    for one in map(_entry, names):
        yield (
            "\n"
            + textwrap.indent(textwrap.fill(one.meaning, WIDTH, break_on_hyphens=False), "# ")
            + f"\n#{one.example}\n"
        )


def _entry(name: str) -> Entry:
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    field = Settings.model_fields[name]
    default = _default(field)
    shown = default or (str(field.examples[0]) if field.examples else "")
    return Entry(name.upper(), default, " ".join((field.description or "").split()), f"{name.upper()}={shown}")


def _default(field: FieldInfo) -> str:
    value = field.get_default()
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in (None, ()) else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else "none"


def _linked(text: str) -> str:
    return re.sub(r"docs/([a-z-]+)\.md", r"[\1.md](\1.md)", text)


def main() -> None:
    """Write both files."""
    PAGE.write_text(page())
    EXAMPLE.write_text(example())


if __name__ == "__main__":
    main()
