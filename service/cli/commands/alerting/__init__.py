"""Commands about alerts: channels, rules, and who was told what."""
