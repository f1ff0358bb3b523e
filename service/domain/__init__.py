"""The rules of the product, pure: no Redis, no HTTP, no clock read."""
