"""The addresses of alerts: those of ALERT_URL, and those that a job names in `alert_urls`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.options import Options
from service.messages import destination
from service.secrecy.secret_hosts import Hosts, hosts_of
from service.secrecy.secret_names import SUFFIX, is_secret, referenced

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that alerts go to.

    Args:
        url: an Apprise URL.
        name: what the log calls it.
        redirects: whether a server may send the alert on to another.
    """

    url: str
    name: str
    redirects: bool = True


def of_the_service(alert_url: str | None) -> dict[str, Address]:
    """Return the addresses of ALERT_URL, Apprise URLs separated by spaces, by their URLs."""
    urls = enumerate((alert_url or "").split(), start=1)
    return {url: Address(url, f"URL {number} of ALERT_URL") for number, url in urls}


def of_a_job(job_id: str, options: Options, environment: Mapping[str, str]) -> dict[str, Address]:
    """Return the addresses that a job names, by their URLs; the log names those that cannot be used.

    Only secrets (`BOT_SECRET_…`) are looked up, so that no job can have another setting sent anywhere.

    Args:
        job_id: for the log.
        options: the job's.
        environment: where the URLs are.
    """
    found = {}
    for name in options.alert_urls:
        variable = referenced(name)
        value = environment.get(variable) if is_secret(variable) else None
        if not value or not value.strip():
            log.warning("Job %s: %s in alert_urls is not set where this process runs", job_id, variable)
            continue
        hosts = hosts_of(variable, environment)
        for url in value.split():
            if hosts is not None and not _may_go(url, hosts):
                log.error("Job %s: %s gets no alert: %s%s does not list its host", job_id, variable, variable, SUFFIX)
                continue
            found[url] = Address(url, variable, redirects=hosts is None)
    return found


def _may_go(url: str, hosts: Hosts) -> bool:
    leads_to = destination(url)
    return leads_to is not None and hosts.allow(*leads_to)
