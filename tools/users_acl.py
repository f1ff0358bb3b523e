"""Write deploy/redis/users.acl from the needs in `service.store.server.needs`: `make users-acl`."""

from __future__ import annotations

from pathlib import Path

from service.store.keys import Keys
from service.store.server.needs import PROCESSES, needs

FILE = Path(__file__).parents[1] / "deploy" / "redis" / "users.acl"

_COUNTS = ("clock", "data", "due_jobs", "enabled_jobs", "jobs", "leader", "leases", "metrics", "queued", "retries",
           "runs", "schedulers", "schema_version", "workers")  # fmt: skip
_RQ_OF_QUEUE = ("canceled", "deferred", "failed", "finished", "queue", "scheduled", "wip", "workers")
_READS = (
    "exists", "get", "hget", "hgetall", "hlen", "hmget", "info", "lindex", "llen", "lpos", "lrange", "mget", "ping",
    "scard", "select", "sismember", "smembers", "strlen", "time", "ttl", "type", "xlen", "xrange", "xrevrange", "zcard",
    "zcount", "zrange", "zrangebyscore", "zrevrange", "zscore", "client|setinfo", "client|setname",
)  # fmt: skip


def file() -> str:
    """Return the text of deploy/redis/users.acl."""
    keys = Keys()
    lines = ["user default off resetkeys resetchannels -@all"]
    for process in PROCESSES:
        lines.append(_user(process, [need.rule for need in needs(process, keys)]))
    lines.append(_user("dashboard", _of_dashboard(keys)))
    return "".join(f"{line}\n" for line in lines)


def _user(name: str, rules: list[str]) -> str:
    order = sorted(rules, key=lambda rule: ("~%&+".index(rule[0]), rule))
    return f"user {Keys().prefix}-{name} on #SHA256-OF-THE-{name.upper()}-PASSWORD resetkeys resetchannels -@all " + (
        " ".join(order)
    )


def _of_dashboard(keys: Keys) -> list[str]:
    """List the rights of somebody who looks: counts, heartbeats and RQ's records; no persons, results or secrets."""
    ours = [f"%R~{keys.prefix}:{name}" for name in _COUNTS]
    of_rq = [f"%R~rq:{name}:{keys.queue_name}" for name in _RQ_OF_QUEUE]
    shared = ["%R~rq:queues", "%R~rq:workers", f"%R~rq:worker:{keys.prefix}-worker-*", "%R~rq:job:*", "%R~rq:results:*"]
    return [*ours, *of_rq, *shared, *(f"+{command}" for command in _READS)]


def main() -> None:
    """Write the file."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(file())


if __name__ == "__main__":
    main()
