"""The console: pages for people, on the same use cases as the API.

Pages are read here and changed through the API: what a person does is sent to `/scheduler` by the page's script, so
that there is one place where a change is checked. Nothing comes from elsewhere, and no page holds a script or a style
of its own, so that the Content-Security-Policy can forbid both.
"""
