"""How the command line counts."""

from __future__ import annotations

from service.cli.doctor.findings import process_findings
from service.cli.output.printing import counted


def test_one_is_told_as_one() -> None:
    """And none and several as several."""
    assert [counted(number, "warning") for number in (0, 1, 2)] == ["0 warnings", "1 warning", "2 warnings"]
    queues = [list(process_findings(1, 1, "a", queued, 0.0))[-1].found.partition(",")[0] for queued in (0, 1, 2)]
    assert queues == ["0 runs wait", "1 run waits", "2 runs wait"]
