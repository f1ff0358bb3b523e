"""Pages of calendars of days off."""
