"""The console: pages for people, on the same use cases as the API.

The console's pages only read. To change something, a page's script calls the API, so each check stands in one place.
Pages load nothing from other sites and contain no inline scripts or styles: the Content-Security-Policy forbids both.
"""
