"""Programs for those who work on this repository and release it; no part of the package."""
