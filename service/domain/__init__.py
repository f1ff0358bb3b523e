"""Rules of the product, pure: no Redis, no HTTP, and no clock; callers pass the time in."""
