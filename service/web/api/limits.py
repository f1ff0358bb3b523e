"""Ranges of the API's query parameters: each route reads its parameter by one of these, and OpenAPI shows the same.

It holds only what both share.
"""

from __future__ import annotations

from service.domain.job_requests import PREVIEW_LIMIT
from service.usecases.fates.occurrences import MOST_ITEMS
from service.usecases.foresight import clock_changes
from service.usecases.foresight.dry_runs import DAYS
from service.usecases.paging import MAX_JOB_PAGE, MAX_PAGE
from service.web.http.query import SecondsParameter, WholeParameter

PAGE_LIMIT = WholeParameter("limit", 1, MAX_PAGE, default=50)
"""Runs, contacts or entries of the audit log a page."""
JOB_PAGE_LIMIT = WholeParameter("limit", 1, MAX_JOB_PAGE)
"""Jobs a page. Without `limit` and `cursor`, the answer has all jobs."""
JOB_PAGE_DEFAULT = 50
"""Jobs a page where a request has a cursor alone."""
DUPLICATES_LIMIT = WholeParameter("limit", 1, MAX_PAGE, default=20)
"""Groups of contacts a page."""
PREVIEW_COUNT = WholeParameter("count", 1, PREVIEW_LIMIT, default=10)
"""Occurrences of a preview."""
DRY_RUN_DAYS = WholeParameter("days", 1, 366, default=DAYS)
"""Days for which a dry run tells the occurrences gained and lost."""
CLOCK_CHANGE_DAYS = WholeParameter("days", 1, clock_changes.LONGEST_DAYS, default=clock_changes.DAYS)
"""Days for which changes of clocks are told."""
OCCURRENCE_LIMIT = WholeParameter("limit", 1, MOST_ITEMS, default=100)
"""Occurrences of an account a page."""
WAIT_SECONDS = SecondsParameter("wait", 25, "How many seconds to wait for the end of the run.")
"""How long `POST …/run?wait=` waits. Heroku's router gives a request up after 30 s."""
