"""Output for people and programs: tables, JSON, reports and errors."""
