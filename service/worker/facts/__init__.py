"""Facts of a run for its bot: its occurrence, and what its job did before."""
