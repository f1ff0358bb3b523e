"""Channels, rules, and the deliveries of alerts in Redis."""
