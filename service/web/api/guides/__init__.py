"""The documentation as Markdown, served by the service itself: `/llms.txt` and `/docs/….md`."""
