"""The measurements go through with ours alone, at a size that shows nothing but that they work."""

from __future__ import annotations

import importlib
import subprocess
from pathlib import Path

import pytest

from bench import pages, report, room, tables
from bench.revisions import revisions
from bench.rig import ROOT
from bench.store import centile, load, ratios, spread
from bench.suite import Chosen
from bench.tables import ratio

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a suite of benchmarks runs from end to end"),
]

SHOWN = {
    "lateness": "idle, one worker",
    "stampede": "200 due at once",
    "scripts": "300 jobs due at once, then run",
    "workers": "no-op runs",
    "api": "GET /jobs/{id}",
    "scale": "due a second",
    "slow": "20 × unread",
    "followers": "2 runs",
    "mixed": "beside all of these",
}

ABOVE_NONE = ("p50_ms", "longest_ms", "runs_per_second", "tick_ms", "job_p50_ms")
"""One of these has every figure of a suite."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of this file's results go."""
    return tmp_path_factory.mktemp("results")


@pytest.mark.parametrize("suite", SHOWN)
def test_a_suite_measures_ours_from_end_to_end_and_is_rendered(suite: str, folder: Path) -> None:
    """Its results are stored and come back, figures are above none, and the page has its table."""
    Chosen(rounds=1, tiny=True, folder=folder).run(suite, importlib.import_module(f"bench.{suite}").measured)

    data = load(suite, folder)
    assert data is not None and data["failed"] == {}
    figures = [one for parts in data["results"].values() for rounds in parts.values() for one in rounds]
    assert figures and all(any(one.get(name, 0) > 0 for name in ABOVE_NONE) for one in figures)
    readme = folder / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.render(folder, folder / "results.md", readme)
    page = (folder / "results.md").read_text()
    assert SHOWN[suite] in page
    assert readme.read_text().startswith("before\n") and readme.read_text().endswith("after\n")


def test_a_run_is_never_measured_to_start_before_it_is_due(folder: Path) -> None:
    """Of ours, by this machine's clock, which is Redis' here."""
    data = load("lateness", folder)
    if data is None:
        pytest.skip("needs the suite `lateness`, which this selection of tests left out")
    late = [ms for parts in data["results"].values() for one in parts["idle"] for ms in one["late_ms"]]
    assert min(late) >= 0


def test_another_revision_is_measured_beside_this_one(tmp_path: Path) -> None:
    """In a checkout of its own, which is gone afterwards; here the same commit."""
    chosen = Chosen(rounds=1, tiny=True, folder=tmp_path, before="HEAD", processes=(1,))
    chosen.run("mixed", importlib.import_module("bench.mixed").measured)

    data = load("mixed", tmp_path)
    assert data is not None
    ours, before = data["results"]
    assert ours == "ours" and before.startswith("before (")
    assert data["results"][ours].keys() == data["results"][before].keys()
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "bench-before-" not in worktrees.stdout


@pytest.mark.parametrize("suite", ["workers", "stampede", "lateness"])
def test_another_revision_of_the_engine_is_measured_beside_this_one(
    suite: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stores and counts by its own code, and the ratios of both are told; here the same commit."""
    Chosen(rounds=1, tiny=True, folder=tmp_path, before="HEAD").run(
        suite, importlib.import_module(f"bench.{suite}").measured
    )

    data = load(suite, tmp_path)
    assert data is not None and data["failed"] == {}
    ours, before = data["results"]
    assert ours.startswith("ours (") and before.startswith("ours, before (")
    assert f"{before}: " in capsys.readouterr().out
    assert before in "\n".join(getattr(tables, suite)(data))


def test_an_unknown_revision_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no-such-revision"), revisions("no-such-revision"):
        pass


def test_ratios_are_of_neighbours() -> None:
    """Not of the medians; a round in which one of them has nothing is left out."""
    assert ratios([10.0, 30.0, 0.0], [5.0, 10.0, 1.0]) == "× 2.50 (2.00–3.00)"
    assert ratios([0.0], [1.0]) == ""


@pytest.mark.parametrize(
    "values, share, wanted",
    [([5.0], 0.99, 5.0), ([1, 2, 3, 4], 0.5, 2), ([1, 2, 3, 4], 0.51, 3), (list(range(1, 101)), 0.99, 99)],
)
def test_a_centile_is_the_least_value_that_so_many_are_not_above(
    values: list[float], share: float, wanted: float
) -> None:
    assert centile(values, share) == wanted


def test_figures_are_shown_with_their_spread_and_ratios_short() -> None:
    assert spread([3.0, 1.0, 2000.0]) == "3 (1–2,000)"
    assert spread([1.25], 2) == "1.25"
    assert ratio(1200, 10) == "120" and ratio(10, 40) == "0.25" and ratio(10, 0) == ""


def test_the_bytes_of_jobs_and_runs_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a few; each has a hash."""
    room.main(40)
    said = capsys.readouterr().out
    assert [line.partition(":")[0] for line in said.splitlines()] == ["a job at rest", "a queued run"]
    assert said.count("its hash") == 2


def test_the_pages_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Each page and each list, on a small installation like the large one."""
    pages.main(["--jobs", "30", "--runs", "300", "--contacts", "20", "--rounds", "2", "--minutes", "0"])
    lines = capsys.readouterr().out.splitlines()
    measured = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("/")}
    assert set(measured) == {*pages.PAGES, *pages.LISTS}
    assert all(float(figures[1]) > 0 and int(figures[3].replace(",", "")) > 0 for figures in measured.values())
