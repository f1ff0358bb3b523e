"""Use cases of alerts: channels, rules, and the record of who was told what."""
