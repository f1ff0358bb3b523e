"""A state machine that does everything to an installation in any order, on a clock of its own."""
