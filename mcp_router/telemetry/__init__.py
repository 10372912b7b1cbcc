"""Spans and metrics of what the router does, by OpenTelemetry's conventions; off unless set."""
