"""Calendars of days off: their definitions, their closed days and why, and days off from iCalendar files."""
