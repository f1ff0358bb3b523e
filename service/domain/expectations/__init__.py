"""Expectations of a job: how they are written, and the pure rules that say whether it meets them."""
