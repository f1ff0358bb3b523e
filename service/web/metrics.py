"""Metrics of the whole installation, as Prometheus reads them.

Each request reads all of them from Redis, so that every web process gives the same answer and none counts for itself.
No label holds anything that people typed, but for the one that METRICS_LABEL names: its values are those of jobs'
labels, 50 of them at the most, and names of jobs with METRICS_PER_JOB. Labels are bots' names, outcomes, triggers, and
the acting scheduler's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.domain.watching.troubles import KINDS
from service.setting_values import metrics_name
from service.store.counters import Histogram, Reading
from service.store.jobs.numbers import JobNumbers
from service.store.scripts import BUCKETS_MS

PREFIX = "bot_scheduler"
HEALTHS = ("ok", "late", "slow", "empty")


def exposition(
    reading: Reading, accept: str, job_numbers: tuple[Sequence[JobNumbers], int] | None = None
) -> tuple[bytes, str]:
    """Write the metrics of one reading.

    Args:
        reading: the measurements.
        accept: the request's `Accept`; it chooses Prometheus' text format or OpenMetrics.
        job_numbers: those of single jobs, and how many jobs are left out; None if they are not wanted.

    Returns:
        The metrics, and their content type.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_OneReading(reading))
    if job_numbers is not None:
        registry.register(_SingleJobs(*job_numbers))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _OneReading(Collector):
    """The metrics of one reading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def describe(self) -> Iterator[Metric]:
        """Describe nothing: the registry is used once."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, in the order of the exposition."""
        now = self._reading
        yield from self._run_metrics()
        yield from self._queue_metrics()
        yield _gauge("redis_takes_writes", "1 if Redis takes writes, 0 if it refuses them.", int(now.refusal is None))
        yield _gauge("schedulers", "Schedulers that are alive.", now.schedulers)
        yield _gauge("workers", "Worker processes that are alive.", now.workers)
        leader = GaugeMetricFamily(f"{PREFIX}_leader", "1 for the acting scheduler.", labels=("scheduler",))
        if now.leader is not None:
            leader.add_metric((now.leader,), 1)
        yield leader
        yield self._troubles()
        yield from self._job_metrics()
        lag = HistogramMetricFamily(
            f"{PREFIX}_web_loop_lag_seconds",
            "Lag of the web processes' event loops; each process looks four times a second and counts over 50 ms.",
        )
        lag.add_metric((), *_buckets(now.loop_lag))
        yield lag

    def _run_metrics(self) -> Iterator[Metric]:
        now = self._reading
        runs = CounterMetricFamily(
            f"{PREFIX}_runs", "Runs that have ended, and occurrences that were skipped.",
            labels=("bot", "outcome", "trigger", *([metrics_name(now.label)] if now.label else [])),
        )  # fmt: skip
        for (*labels, value), count in sorted(now.runs.items()):
            runs.add_metric([*labels, value] if now.label else labels, count)
        yield runs
        refused = "Refused API keys, including those at sign-in; each process adds its own within moments."
        yield CounterMetricFamily(f"{PREFIX}_refused_keys", refused, value=now.refused_keys)
        yield _histogram("run_lateness", "Time from when a run was due until it started.", now.lateness)
        yield _histogram("run_duration", "Time from a run's start to its end.", now.duration)

    def _queue_metrics(self) -> Iterator[Metric]:
        now = self._reading
        yield _gauge("queue_depth", "Runs in the queue that no worker has started.", now.queued)
        yield _gauge("queue_oldest_age_seconds", "How long the oldest queued run has waited.", now.queued_for_seconds)
        yield _gauge("runs_running", "Runs under way.", now.running)
        yield _gauge("retries_delayed", "Retries that wait for their delay to end.", now.delayed_retries)
        yield _gauge("pauses_active", "Pauses that are in force.", now.pauses)
        yield _gauge("runs_held", "Runs that a pause holds.", now.held_runs)

    def _troubles(self) -> Metric:
        family = GaugeMetricFamily(
            f"{PREFIX}_trouble", "1 while a trouble of this kind is on, else 0; see docs/silence.md.", labels=("kind",)
        )
        on = {trouble.kind for trouble in self._reading.troubles}
        for kind in KINDS:
            family.add_metric((kind,), int(kind in on))
        return family

    def _job_metrics(self) -> Iterator[Metric]:
        now = self._reading
        due = GaugeMetricFamily(f"{PREFIX}_next_due_timestamp_seconds", "When the next occurrence of any job is due.")
        if now.next_due is not None:
            due.add_metric((), now.next_due / 1000)
        yield due
        jobs = GaugeMetricFamily(f"{PREFIX}_jobs", "Jobs, by whether they are enabled.", labels=("enabled",))
        jobs.add_metric(("true",), now.enabled_jobs)
        jobs.add_metric(("false",), now.jobs - now.enabled_jobs)
        yield jobs


class _SingleJobs(Collector):
    """The numbers of single jobs."""

    def __init__(self, jobs: Sequence[JobNumbers], left_out: int) -> None:
        self._jobs = jobs
        self._left_out = left_out

    def describe(self) -> Iterator[Metric]:
        """Describe nothing: the registry is used once."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each number; a job that has none is not in it."""
        yield self._family(
            "last_success_timestamp_seconds", "When the job's last success ended; none in its newest 20 runs: absent.",
            lambda job: None if job.succeeded_at is None else job.succeeded_at / 1000,
        )  # fmt: skip
        yield self._family(
            "last_duration_seconds", "Time from the start to the end of the job's last run.",
            lambda job: None if job.took_ms is None else job.took_ms / 1000,
        )  # fmt: skip
        yield self._family("failures", "Runs of the job that failed for good, in a row.", lambda job: job.failures)
        health = GaugeMetricFamily(
            f"{PREFIX}_job_health", "1 for the job's health; absent if nothing is expected of it.",
            labels=("job_id", "name", "health"),
        )  # fmt: skip
        for job in self._jobs:
            for word in HEALTHS if job.health is not None else ():
                health.add_metric((job.job_id, job.name, word), int(word == job.health))
        yield health
        yield _gauge(
            "jobs_left_out", "Jobs of which there are no numbers here, since they are too many.", self._left_out
        )

    def _family(self, name: str, words: str, number: Callable[[JobNumbers], float | None]) -> Metric:
        family = GaugeMetricFamily(f"{PREFIX}_job_{name}", words, labels=("job_id", "name"))
        for job in self._jobs:
            found = number(job)
            if found is not None:
                family.add_metric((job.job_id, job.name), found)
        return family


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", words, value=value)


def _histogram(name: str, words: str, by_bot: Mapping[str, Histogram]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"{PREFIX}_{name}_seconds", words, labels=("bot",))
    for bot, histogram in sorted(by_bot.items()):
        family.add_metric((bot,), *_buckets(histogram))
    return family


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    bounds = [*(str(bound / 1000) for bound in BUCKETS_MS), "+Inf"]
    counts = [(bound, float(count)) for bound, count in zip(bounds, histogram.counts, strict=True)]
    return counts, histogram.sum_ms / 1000
