"""Page of alerts."""
