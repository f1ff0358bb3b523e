"""Write docs/access.md, whose table comes from what each route declares: `make access-docs`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.asgi import assemble
from service.domain.access.scopes import SETS, Scope
from service.settings import Settings
from service.web.http.access import ANY_METHOD, Access, Proof, access_of, several

PAGE = Path(__file__).parents[1] / "docs" / "access.md"

DOES: Mapping[Scope, str] = {
    Scope.READ: "see jobs, occurrences, runs, logs, calendars, pauses, previews, the bots, metrics and exports",
    Scope.RUN: "run jobs now, later and again, backfill and pause them, change single occurrences, start, move and "
    "cancel runs, acknowledge notices",
    Scope.WRITE: "create, change and delete jobs, one or many, and calendars; apply documents",
    Scope.CONTACTS: "see and change the address book: personal data, so neither `read` nor `write` gives it",
    Scope.SEND: "send a test message",
    Scope.PING: "report runs of one heartbeat job, whose id the key names as `job_id` ([pings](heartbeats.md))",
    Scope.FEED: "open a calendar feed of occurrences ([feeds](#feeds)), and badges and status pages",
    Scope.BADGE: "open badges and status pages, which then show no names ([badges](badges.md))",
    Scope.ADMIN: "see and change keys, alert channels and rules; see and end all sessions; read the audit log",
}

INTRODUCTION = """\
# Access

Which keys are there, and what may each of them do?

`API_KEY` is the **root key** (and [`API_KEY_PREVIOUS`](deploy.md#another-api-key), while you change it). It may do
everything and is never stored in Redis. One person needs no other. A team creates further keys, and gives each what it
needs and no more: **scopes** say what a key may do, **limits** for which jobs.

## Stored keys

```sh
curl -X POST $URL/scheduler/keys \\
  -H "X-API-Key: $API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Ana on call", "scopes": ["read", "run"], "bot_types": ["webhook"]}'
```

The answer contains the key itself, `bsk_…`. It is never shown again. Redis keeps the SHA-256 of its secret, its name,
its scopes and limits, and who created it and when. It also keeps when the key was last used (to the minute) and from
which address.

The console's page [Access](console.md#access) does the same, and so does the [command line](cli.md#keys):
`bot-scheduler keys create "Ana on call" --set operator --bot webhook`. The actions below are `keys update`, `rotate`,
`revoke` and `me` there.

- **Send it** as `X-API-Key`, or as `Authorization: Bearer`. With both, the first counts. `/rq` also takes it as the
  password of `Authorization: Basic`.
- **A key's form** is `bsk_<id>_<secret><checksum>`, so that secret scanners find it. The service refuses a mistyped
  key without asking Redis.
- **Change it** by `PUT /scheduler/keys/{id}`: name, scopes, limits, `expires_at`, note. `GET /scheduler/keys/me` shows
  a key what it may do.
- **Rotate it** by `POST /scheduler/keys/{id}/rotate` with `{"overlap_seconds": 3600}`. The answer has the key with a
  new secret. It is never shown again. The old secret is accepted for that time, a week at most. Without a body, the old
  secret is refused at once.
- **Revoke it** by `DELETE /scheduler/keys/{id}`. Within a second, every web process refuses it, and its sessions, its
  followed logs and its `?wait=` end.
- **Nobody gives more than they have.** A key cannot create, change, rotate or revoke a key that has more scopes or
  wider limits than its own. Nor can a key that expires create, change or rotate one that lasts longer. Each change is
  written in one step with its entry in the audit log.

An expired key is answered 401, as any wrong key is. But if its secret is right, the answer says when the key expired:
`This key expired on 2026-11-27 08:00:00 UTC`. The same holds for a former secret of a rotated key. It also holds for a
revoked key, for 30 days: Redis keeps digests of its secrets for that time.

If you restore an older copy of Redis, keys that were revoked since are valid again. Revoke them again.

While Redis is away, the root key gets the same answers as always. Stored keys and sessions get 503. Anything that
cannot be a key gets 401.

## Scopes

No scope implies another. If a request needs a scope that the key lacks, the answer is 403, with a sentence that says
what the key may do and what it lacks.

"""

LIMITS = """
## Limits

A key with `labels` sees, runs and changes only jobs that have each of these labels, with one of the key's values for
it. A key with `bot_types` does so only for jobs of these bots. Such a key has some more limits:

- With `admin`, it finds only keys whose limits lie within its own.
- `/rq`, `/metrics` and `POST /scheduler/acknowledge` are about all jobs and refuse it.
- It sees every calendar, with its names and days, because jobs of many teams may share one. It cannot change any.
- It may only name secrets that are bound to hosts (`BOT_SECRET_…_HOSTS`, also set where the web process runs).
  Otherwise, it could have a secret sent to a host of its own.
- If it starts a run by hand with a `bot_config`, the service checks this `bot_config` again when the run starts,
  because the job may change in the meantime.

## What needs two scopes

- With `run` alone, a run by hand may lay `{"dry_run": true}` over its job's `bot_config`. Any other overlay also needs
  `write`.
- Results, errors and logs of bots that handle persons (`handles_persons`: `birthday`, `visitor`, `contacts_sync`) need
  `contacts` beside `read`. Without it, the answer has a sentence instead of them, and the log cannot be followed. `/rq`
  does not know the bot of a run, and withholds every error.
- `POST /scheduler/batch` needs the scope that its action needs for a single job: `write` to enable, disable, label and
  delete, `run` for `run` and `again`. To name the jobs by a filter, and to see their names, it also needs `read`.
- A test message to a contact needs `contacts` beside `send`.
- With `run` alone, whoever waits for a run (`?wait=`) or cancels one sees its status and times. The answer has
  sentences instead of the result and the error, and its counts are 0.

Two things to know:

- **`write` shows what it writes.** Answers to changes have the whole job. So within its limits, a key without `read`
  can see definitions, by `PUT` with `{}` or in the plan of `POST /scheduler/apply?dry_run=true`. Whoever may replace a
  definition must be able to check it ([decision 0055](decisions/0055-write-shows-what-it-writes.md)).
- **A job's past goes with it.** If a job's labels change, the keys that may see it now also see its earlier runs, logs
  and revisions. Keys that may no longer see the job can no longer see any of these. A log that they follow ends within
  a second, and so does their `?wait=`, with 404. To hand over a job without its past, create a new one.

## Sessions

To sign in to the console, you need a key with `read`. Signing in makes a session in Redis, which keeps only a digest of
the cookie. A session ends after 12 hours without use, after 7 days, at sign-out, when its key or that key's secret
ends, or by `DELETE /scheduler/sessions/{id}`. `GET /scheduler/sessions` lists the key's own sessions in pages, the
newest first. With `admin` and without limits, it lists all. `POST /scheduler/sessions/end` ends several: those that are
named, all of a key, or all. The console's page [Access](console.md#access) offers the same. With HTTPS, the cookie's
name begins with `__Host-`, and answers have `Strict-Transport-Security`.

## Feeds

A feed shows jobs' occurrences and runs in a calendar application. Such an application cannot send a header, so the
key is in the address of the feed. Create a key with the scope `feed` alone; it may have limits and an expiry:

```sh
curl -X POST $URL/scheduler/keys \\
  -H "X-API-Key: $API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"name": "Calendar of the CRM team", "scopes": ["feed"], "labels": {"team": ["crm"]}}'
```

The answer has the address as `feed`: `http://…/feed/bsk_….ics`. It is never shown again. Subscribe to it in a calendar
application. It shows the occurrences of the next 30 days, and the runs of the last 30 days with their outcome, without
errors and results. `?label=team:crm` leaves out other jobs. At most 5,000 occurrences (200 of one job) and 1,000 runs
are shown; the calendar's description says what is left out.

Whoever has the address sees the feed. So a key in an address must have this scope alone, and the root key is refused
there. The address stays out of our logs, and answers say `Referrer-Policy: no-referrer`. A proxy in front of the
service should not log it either. To withdraw the address, revoke the key; to change it, rotate the key. Wrong addresses
count as [wrong keys](deploy.md#guessing).

The same holds for [badges and status pages](badges.md), whose keys have the scope `badge` or `feed` alone.

## Links in alerts

With `RUN_LINKS=true`, an alert has [links](alerts.md#links) that need no key. Each does one thing, once, within a week.
`/link/{token}` is open to all, and refuses every address that this service has not signed.

## What each operation needs

"Any key" means that no scope is needed, "or" that one of them is enough, and "unlimited" that a key with limits is
refused. HEAD needs what GET needs. [tests/api/test_access_crossing.py](../tests/api/test_access_crossing.py) asks each
operation with every kind of key, and compares the answers with this table.

<!-- written by `make access-docs` from the declarations of the routes; do not edit -->

"""


@dataclass(frozen=True, slots=True)
class Row:
    """One operation, and what it needs.

    Args:
        method: upper case; `ANY` for all methods.
        path: the route's template.
        scopes: the scopes of which one will do; none where any key will do.
        is_open: whether it needs no key at all.
        unlimited: whether a key with limits is refused.
        is_page: whether it is a page of the console, which needs a session.
        is_by_address: whether the key stands in the address, and nowhere else.
    """

    method: str
    path: str
    scopes: tuple[Scope, ...]
    is_open: bool
    unlimited: bool
    is_page: bool
    is_by_address: bool

    @property
    def needs(self) -> str:
        """The needs, in words."""
        if self.is_open:
            return "no key"
        scope = " or ".join(f"`{scope.value}`" for scope in self.scopes) or "any key"
        if self.is_by_address:
            return f"{scope}, key in the address"
        return f"{scope}, unlimited" if self.unlimited else scope

    def line(self) -> str:
        """Return the row of the table."""
        return f"| `{self.method} {self.path}` | {self.needs} |\n"


def rows() -> list[Row]:
    """Return all operations, in the order of the routes."""
    settings: dict[str, Any] = {"redis_url": "redis://127.0.0.1:1/0", "api_key": "of nobody"}
    app = assemble(Settings.model_validate(settings))
    return [row for path, resource in app.resources.items() for row in _rows(path, resource)]


def _rows(path: str, resource: object) -> Iterator[Row]:
    access: Access = access_of(resource)
    is_page = Proof.SESSION in access.proofs and Proof.KEY not in access.proofs
    methods = access.scopes or {name: None for name in ("get", "post") if hasattr(resource, f"on_{name}")}
    for method, scope in methods.items():
        name = "ANY" if method == ANY_METHOD else method.upper()
        yield Row(name, path, several(scope), access.is_open, access.unlimited, is_page, access.is_by_address)


def page() -> str:
    """Return the text of docs/access.md."""
    scopes = "| scope | lets a key |\n|---|---|\n"
    scopes += "".join(f"| `{scope.value}` | {words} |\n" for scope, words in DOES.items())
    sets = "; ".join(
        f"{name}: {'all' if len(found) == len(Scope) else ', '.join(f'`{s.value}`' for s in Scope if s in found)}"
        for name, found in SETS.items()
    )
    operations = "| operation | needs |\n|---|---|\n"
    everything = rows()
    of_api = "".join(row.line() for row in everything if not row.is_page)
    of_console = "".join(row.line() for row in everything if row.is_page)
    return (
        INTRODUCTION + scopes + f"\nSets that cover most cases: {sets}.\n" + LIMITS + operations + of_api
        + "\nThe console's pages need a session whose key has this scope:\n\n"
        + operations.replace("operation", "page") + of_console
    )  # fmt: skip


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
