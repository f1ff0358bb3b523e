"""The addresses of alerts: those of ALERT_URL, those that a job names in `alert_urls`, and those of channels.

An address is stored by its name (`service.domain.alerting.address_names`). Its URL is looked up at each try.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.domain.alerting.address_names import OF_A_CHANNEL, SERVICE, shown
from service.domain.alerting.channel import Channel, Pace
from service.messages import destination
from service.secrecy.secret_hosts import Hosts, hosts_of
from service.secrecy.secret_names import SUFFIX, is_secret, referenced


class Unusable(Exception):
    """Nothing can be sent to an address. The message says why, and has no secret."""


class NoSuchChannel(Unusable):
    """The address' channel was deleted."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address, as it is used.

    Args:
        url: an Apprise URL.
        name: what people call it.
        redirects: whether a server may send the alert on to another.
    """

    url: str
    name: str
    redirects: bool = True


class Addresses:
    """Finds the addresses of alerts.

    Args:
        alert_url: `ALERT_URL`: Apprise URLs separated by spaces, or None.
        environment: where secrets are looked up. Only secrets (`BOT_SECRET_…`) are, so that nobody can have another
            setting sent anywhere.
    """

    def __init__(self, alert_url: str | None, environment: Mapping[str, str] = os.environ) -> None:
        self._alert_url = alert_url or ""
        self._environment = environment

    def told(self, names: Iterable[str]) -> list[str]:
        """Return the addresses behind the names of settings and channels, each URL once.

        Args:
            names: `ALERT_URL`, the names of secrets, and those of channels with their secrets:
                `channel:ops=BOT_SECRET_X`.
        """
        found: dict[str, str] = {}
        for name in names:
            setting, _, secret = name.partition("=")
            urls = self._urls(secret or setting) or [setting]
            for number, url in enumerate(urls, start=1):
                found.setdefault(url, f"{setting}/{number}")
        return list(found.values())

    def of_the_service(self) -> list[str]:
        """Return the name of ALERT_URL, if it is set."""
        return [SERVICE] if self._alert_url.split() else []

    def find(self, address: str, channel: Channel | None) -> Address:
        """Return an address as it is used now.

        Args:
            address: its name.
            channel: its channel, if it is one's.

        Raises:
            NoSuchChannel: the channel was deleted.
            Unusable: the setting is missing, or must not go to this host.
        """
        name, _, number = address.rpartition("/")
        if name.startswith(OF_A_CHANNEL):
            if channel is None:
                raise NoSuchChannel("the channel was deleted")
            name = channel.secret
        urls = self._urls(name)
        if not urls:
            raise Unusable(f"{name} is not set where alerts are sent: in each web process and scheduler")
        if int(number) > len(urls):
            raise Unusable(f"{name} has no URL {number} any more")
        url = urls[int(number) - 1]
        hosts = None if name == SERVICE else hosts_of(name, self._environment)
        if hosts is not None and not may_go(url, hosts):
            raise Unusable(f"{name}{SUFFIX} does not list the host of its URL {number}")
        return Address(url, shown(address), redirects=hosts is None)

    def _urls(self, name: str) -> list[str]:
        if name == SERVICE:
            return self._alert_url.split()
        return self._environment.get(name, "").split() if is_secret(name) else []


def of_the_service(alert_url: str | None) -> dict[str, Address]:
    """Return the addresses of ALERT_URL by their URLs, for those who cannot ask Redis."""
    urls = enumerate((alert_url or "").split(), start=1)
    return {url: Address(url, shown(f"{SERVICE}/{number}")) for number, url in urls}


def of_a_job(alert_urls: Iterable[str]) -> list[str]:
    """Return the names of the secrets that a job names in `alert_urls`."""
    return [referenced(url) for url in alert_urls]


def of_a_channel(channel: Channel) -> str:
    """Return the name of a channel, with its secret, as `Addresses.told` takes it."""
    return f"{OF_A_CHANNEL}{channel.name}={channel.secret}"


def pace_of(channel: Channel | None) -> Pace:
    """Return when an address may be told: as its channel says, or with the limit of an hour alone."""
    return Pace() if channel is None else channel.pace


def may_go(url: str, hosts: Hosts) -> bool:
    """Return whether a URL leads to one of the hosts."""
    leads_to = destination(url)
    return leads_to is not None and hosts.allow(*leads_to)
