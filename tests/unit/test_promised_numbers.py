"""The numbers that are promised: a change of one of them fails here."""

from __future__ import annotations

import pytest

from service import gunicorn_config, shutdown
from service.domain import status
from service.scheduler import heartbeat, reaper
from service.scheduler import scheduler as dispatch
from service.store import migrations, schema
from service.store.server.connection import CONNECT_SECONDS, POOL_WAIT_SECONDS, SOCKET_SECONDS
from service.web.http.incoming import BODY_SECONDS
from service.web.http.incoming import BYTES_PER_SECOND as BODY_RATE
from service.web.server import connection, heads, patience
from service.worker import board, process, waiting, watching
from service.worker.watchdog import Watch

LEASE = 30.0
TIMEOUT = 3600.0


def first(action: str, watch: Watch, stopping_since: float | None = None, horizon: float = 7200.0) -> float | None:
    """The first tenth of a second at which a watch wants this, its lease renewed each second till then."""
    for tenth in range(int(horizon * 10)):
        now = tenth / 10
        if tenth % 10 == 0 and watch.why not in ("unrenewed", "lost"):
            watch.renewed = now
        if action in watch.actions(now, stopping_since):
            return now
    return None


def test_a_run_is_interrupted_when_its_time_is_up_and_killed_10_seconds_later() -> None:
    """SPEC, `timeout_seconds`."""
    assert first("interrupt", Watch(0.0, 60.0, LEASE)) == 60.0
    assert first("ask", Watch(0.0, 60.0, LEASE)) == 60.0
    assert first("kill", Watch(0.0, 60.0, LEASE)) == 70.0


@pytest.mark.parametrize("answer", ["cancel", "gone"])
def test_a_cancelled_run_is_asked_at_once_and_killed_10_seconds_later(answer: str) -> None:
    """SPEC, `POST …/cancel`; the same where the job was deleted."""
    asked, killed = Watch(0.0, TIMEOUT, LEASE), Watch(0.0, TIMEOUT, LEASE)
    for watch in (asked, killed):
        watch.heard(answer, 0.0)
    assert (first("ask", asked), first("kill", killed)) == (0.0, 10.0)


def test_a_stopping_worker_asks_after_15_seconds_and_kills_after_25() -> None:
    """SPEC, §1: all are gone within 28."""
    assert first("ask", Watch(0.0, TIMEOUT, LEASE), 0.0) == 15.0
    assert first("kill", Watch(0.0, TIMEOUT, LEASE), 0.0) == 25.0
    assert shutdown.KILL_WORKER_SECONDS == 27.0
    assert 25.0 + shutdown.RECORD_SECONDS <= shutdown.KILL_WORKER_SECONDS < shutdown.GONE_SECONDS == 28.0


@pytest.mark.parametrize(("lease", "killed"), [(10.0, 5.0), (30.0, 25.0), (300.0, 295.0)])
def test_a_run_whose_lease_is_not_renewed_is_killed_5_seconds_before_it_ends(lease: float, killed: float) -> None:
    """SPEC, §5.4: a worker that cannot renew kills its run before its lease ends."""
    watch = Watch(0.0, TIMEOUT, lease)
    assert "kill" not in watch.actions(killed - 0.1, None)
    assert "kill" in watch.actions(killed, None) and watch.why == "unrenewed"


def test_a_run_that_has_lost_its_lease_is_killed_6_seconds_later() -> None:
    """Longer than the horse waits for the answer to its end, so that one that has ended is not killed over it."""
    watch = Watch(0.0, TIMEOUT, LEASE)
    watch.heard("lost", 0.0)
    assert "kill" not in watch.actions(5.9, None)
    assert "kill" in watch.actions(6.0, None)
    assert SOCKET_SECONDS["horse"] < 6.0


def test_a_run_goes_on_for_as_long_as_redis_refuses_all_writes() -> None:
    """For an hour without a lease; then, once nothing is heard any more, 5 s, before the reaper judges leases again."""
    watch = Watch(0.0, TIMEOUT * 2, LEASE)
    for second in range(3600):
        watch.refused(float(second))
        assert "kill" not in watch.actions(second + 0.9, None)
    assert "kill" not in watch.actions(3599 + 4.9, None)
    assert "kill" in watch.actions(3599 + 5.0, None) and watch.why == "unrenewed"
    assert reaper.SETTLE_SECONDS == 10.0


def test_redis_that_refuses_writes_puts_off_neither_a_time_out_nor_a_stop() -> None:
    """Only for the lease is it waited."""
    watch = Watch(0.0, 60.0, LEASE)
    watch.refused(60.0)
    assert "interrupt" in watch.actions(60.0, None)
    watch.refused(70.0)
    assert "kill" in watch.actions(70.0, None)


def test_a_lease_is_renewed_and_a_heartbeat_sent_often_enough() -> None:
    """Renewed each second; a scheduler's sign of life counts for 15 s, and two may be lost meanwhile."""
    assert (watching.LOOK_SECONDS, process.BEAT_SECONDS, dispatch.HEARTBEAT) == (1.0, 2.0, 2.0)
    assert status.FRESH_MS == 15_000
    assert heartbeat.LEAD_MS == 6_000 and heartbeat.LEAD_MS >= 3 * dispatch.HEARTBEAT * 1000
    assert board.UNWATCHED_SECONDS == 3.0


def test_a_dead_workers_run_is_known_within_a_minute() -> None:
    """SPEC, §5.3: its lease, the leader's if that died too, what a new leader leaves to leases, and two looks."""
    worst = LEASE + heartbeat.LEAD_MS / 1000 + dispatch.HEARTBEAT + reaper.SETTLE_SECONDS + 2 * reaper.PASS_SECONDS
    assert worst < 60.0
    assert (reaper.PASS_SECONDS, reaper.STUCK_SECONDS, reaper.LOST_SECONDS) == (1.0, 2.0, 15.0)


def test_a_503_is_out_within_3_seconds() -> None:
    """SPEC, §2: whether Redis does not answer, or there is no connection."""
    assert CONNECT_SECONDS + SOCKET_SECONDS["web"] < 3.0
    assert POOL_WAIT_SECONDS == 1.0 and POOL_WAIT_SECONDS + SOCKET_SECONDS["web"] < 3.0


def test_the_watchs_own_connection_gives_up_before_a_kill_is_late() -> None:
    """Two looks that both wait for their time-out still leave the kill before the end of the lease."""
    assert 2 * SOCKET_SECONDS["watch"] < 5.0


def test_a_waiting_horse_is_answered_before_its_connection_gives_up() -> None:
    """Redis waits for a run for less long, and a late answer is no error."""
    assert SOCKET_SECONDS["horse"] >= waiting.WAIT_SECONDS + waiting.LATE_SECONDS


def test_a_migration_holds_a_lease_of_30_seconds() -> None:
    """And running processes look at the version every 5 s."""
    assert (schema.LEASE_SECONDS, migrations.LOOK_SECONDS) == (30, 5.0)


def test_slow_clients_have_these_deadlines_and_limits() -> None:
    """docs/deploy.md, "Behind a proxy"."""
    assert (connection.HEAD_SECONDS, BODY_SECONDS, patience.PATIENCE_SECONDS) == (10.0, 15.0, 15.0)
    assert BODY_RATE == patience.BYTES_PER_SECOND == 16 * 1024
    assert (heads.LINE_BYTES, heads.FIELD_BYTES, heads.FIELDS, heads.HEAD_BYTES) == (8190, 8190, 100, 64 * 1024)
    assert (gunicorn_config.keepalive, gunicorn_config.worker_connections) == (5, 4096)
