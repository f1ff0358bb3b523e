"""Erasure of a person: what stands for them afterwards, and how they are found in texts."""
