"""OpenTelemetry traces of runs, if a collector is named. Only `sdk` imports the SDK, which comes as an extra."""
