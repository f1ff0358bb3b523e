"""Traces are off unless a collector is named, and then nothing of OpenTelemetry is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service import environment
from service.environment import COLLECTOR, is_traced, refuse_foreign
from service.errors import SettingsError
from service.secrecy.redaction import Redaction

ROOT = Path(__file__).parents[2]
AT = {COLLECTOR: "http://127.0.0.1:4318"}
ALL = "service.asgi, service.scheduler.scheduler, service.scheduler.main, service.worker.serving, service.cli.app"


@pytest.mark.slow(reason="the modules of all processes are loaded in a new interpreter")
def test_no_process_loads_opentelemetry_while_traces_are_off() -> None:
    """All start where it is not installed. Where it is, redis-py loads it by itself, and nothing of ours does."""
    script = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import {ALL}
from service.bots.registry import load_bots
from service.settings import load_settings
load_settings(), load_bots()
print(*sorted(name for name in sys.modules if name.startswith(("opentelemetry", "service.tracing"))))
"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    shown = subprocess.run([sys.executable, "-c", script], env=clean, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["service.tracing", "service.tracing.trace_context"], "which reads an incoming header"


def test_one_module_imports_the_sdk() -> None:
    texts = {path: path.read_text() for path in (ROOT / "service").rglob("*.py")}
    naming = [path for path, text in texts.items() if "import opentelemetry" in text or "from opentelemetry" in text]
    assert naming == [ROOT / "service" / "tracing" / "sdk.py"]


@pytest.mark.parametrize(
    ("variables", "traced"),
    [
        ({}, False), ({COLLECTOR: ""}, False), (AT, True), (AT | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (AT | {"OTEL_SDK_DISABLED": "false"}, True), (AT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
)  # fmt: skip
def test_a_collector_switches_traces_on(variables: dict[str, str], traced: bool) -> None:
    assert is_traced(variables) is traced
    refuse_foreign(variables)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({COLLECTOR: "127.0.0.1:4318"}, "write the http"), ({COLLECTOR: "http://u:geheim@h"}, "HEADERS"),
        ({COLLECTOR: "http://h/?key=geheim"}, "HEADERS"),
        (AT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
        (AT | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "http/protobuf"),
    ],
)  # fmt: skip
def test_a_collector_that_cannot_be_used_stops_the_start(variables: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refusal:
        refuse_foreign(variables)
    assert "geheim" not in str(refusal.value)


def test_a_missing_package_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_OF_TRACES", {"opentelemetry_gone.sdk": "opentelemetry-sdk"})
    refuse_foreign({})
    with pytest.raises(SettingsError, match=r"opentelemetry-sdk cannot be found: install bot-scheduler\[traces\]"):
        refuse_foreign(AT)


def test_the_collectors_headers_are_secret() -> None:
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "x-team=crm,authorization=Bearer%20abcdef0123456789abcdef"}
    redaction = Redaction.of(secret, 6, frozenset())
    for text in (secret["OTEL_EXPORTER_OTLP_HEADERS"], "Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef"):
        assert "abcdef01" not in redaction.applied(f"it said {text}.")
