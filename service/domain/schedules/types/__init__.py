"""Types of schedules, a room each: how one is written, when it is due next, and its words."""
