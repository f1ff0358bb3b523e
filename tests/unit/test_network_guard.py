"""Which addresses a visitor may connect to."""

from __future__ import annotations

import pytest

from service.bots.support.network_guard import AddressRefused, GuardedBackend
from service.egress import Egress, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "192.0.0.192",
        "192.88.99.1",
        "3fff::1",
        "64:ff9b:1::808:808",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "::127.0.0.1",
        "::10.0.0.1",
        "::ffff:0:127.0.0.1",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "192.0.2.1",
    ],
)
def test_addresses_inside_the_network_are_not_public(address: str) -> None:
    """Also where an IPv6 address carries an IPv4 one."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    """Those are what the visitor is for."""
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "017700000001", "::1", "0"]
)
def test_no_spelling_of_an_inside_address_is_connected_to(host: str) -> None:
    """The addresses are judged after the name is resolved, as they will be used."""
    with pytest.raises(AddressRefused):
        GuardedBackend(Egress()).connect_tcp(host, 9)
