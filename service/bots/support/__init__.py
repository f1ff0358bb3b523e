"""Tools that several bots use: guarded connections, templates, secrets, locks."""
