"""OpenTelemetry traces of runs, if `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Only `sdk` imports the SDK, which is an extra."""
