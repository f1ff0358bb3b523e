"""Alerts on their way to people: `alerts` empties the outbox, `alert_texts` words, `alert_addresses` says where to."""
