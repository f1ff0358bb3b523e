"""Writing of a status page: HTML without scripts and ids, and without names unless they are wanted."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from html import escape

from service.domain.badges.standing import WORDS, Standing
from service.domain.timestamps import format_timestamp
from service.store.jobs.standings import RunMark
from service.usecases.badges.standings import BARS, Page, Row

STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1f;--soft:#55555e;--paper:#fff;--line:#d9d9de;--up:#1a7434;--late:#8a5a00;
--down:#b42318;--rest:#55555e}
@media(prefers-color-scheme:dark){:root{--ink:#ececf0;--soft:#b0b0ba;--paper:#17171a;--line:#3a3a42;--up:#5fce82;
--late:#f0b545;--down:#ff8a7d;--rest:#b0b0ba}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.4rem;margin:0}
p{margin:.25rem 0 1.25rem;color:var(--soft)}
ul{list-style:none;margin:0;padding:0}
li{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;border-top:1px solid var(--line);padding:.7rem 0}
.job{font-weight:600;min-width:4.5rem;overflow-wrap:anywhere}.state{font-weight:600;min-width:6rem}.times{color:var(--soft);font-size:.875rem;flex-basis:100%}
svg{margin-left:auto;height:24px;width:180px;max-width:100%}
.up{color:var(--up)}.late{color:var(--late)}.down{color:var(--down)}
.unknown,.new,.paused,.disabled,.empty{color:var(--rest)}
.success{fill:var(--up)}.failed{fill:var(--down)}.other{fill:var(--line)}
"""
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy: this style, and nothing else."""
_OVERALL: dict[Standing, str] = {
    "unknown": "Unknown: nobody watches the jobs now", "down": "A job is down", "late": "A job is late",
    "up": "All is up", "new": "No runs yet", "paused": "Paused", "disabled": "Disabled", "empty": "No jobs",
}  # fmt: skip


def write(page: Page) -> bytes:
    """Write the page."""
    title = _OVERALL[page.standing]
    count = f"{page.jobs:,} job{'' if page.jobs == 1 else 's'}"
    cut = f", the {len(page.rows)} worst are shown" if len(page.rows) < page.jobs else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width,initial-scale=1"><meta name="robots" content="noindex,nofollow">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f'<h1 class="{page.standing}">{title}</h1><p>{count}{cut}. As of {_time(page.now_ms)}.</p>'
        f"<ul>{''.join(map(_row, page.rows))}</ul></main></body></html>"
    ).encode()


def _row(row: Row) -> str:
    success = next((run.finished_ms for run in row.runs if run.status == "success"), None)
    times = [
        f"{words} {_time(at)}"
        for words, at in (("Last run", row.last_run_ms), ("Last success", success))
        if at is not None
    ]
    said = f'<span class="times">{". ".join(times)}</span>' if times else ""
    return (
        f'<li><bdi class="job">{_called(row)}</bdi>'
        f'<span class="state {row.standing}">{WORDS[row.standing]}</span>{_strip(row.runs)}{said}</li>'
    )


def _called(row: Row) -> str:
    if row.name is not None:
        return escape(row.name)
    return "This job" if row.number is None else f"Job {row.number}"


def _strip(runs: Sequence[RunMark]) -> str:
    """Draw the newest runs as bars, the newest at the right."""
    if not runs:
        return ""
    counts = Counter(run.status for run in runs)
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    bars = "".join(
        f'<rect class="{run.status if run.status in ("success", "failed") else "other"}" '
        f'x="{6 * (BARS - 1 - place)}" y="{0 if run.status == "failed" else 6}" width="4" '
        f'height="{24 if run.status == "failed" else 18}"/>'
        for place, run in enumerate(runs)
    )
    return f'<svg viewBox="0 0 {6 * BARS} 24" role="img" aria-label="Newest runs: {said}">{bars}</svg>'


def _time(ms: int) -> str:
    return f"{format_timestamp(ms // 1000).replace('T', ' ')[:16]} UTC"
