"""Whom alerts are told to, and when: channels, rules, and the turns of deliveries. Pure."""
