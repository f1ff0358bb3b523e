"""The watch: web processes look after schedulers, workers and Redis, and tell when something is wrong.

`watch` looks, by the rules of `service.domain.watching`. `outcry` tells of a Redis in which nothing can be noted, and
`outside` tells a monitor elsewhere that all is well, or is not.
"""
