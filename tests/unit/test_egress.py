"""What NETWORK_ALLOW opens, and that a metadata service is reached only where it is named itself."""

from __future__ import annotations

import ipaddress

import pytest

from service.bots.support.network_guard import AddressRefused, GuardedBackend
from service.egress import Egress, is_metadata

METADATA = [
    "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "169.254.170.2", "169.254.170.23",
    "169.254.42.42", "169.254.0.23", "169.254.1.1", "fd00:ec2::254", "fd00:ec2::23", "fd00:ec2::253", "fd20:ce::254",
    "fd00:42::42", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%eth0", "::ffff:169.254.169.254",
    "::ffff:168.63.129.16", "::ffff:100.100.100.200", "64:ff9b::a9fe:a9fe", "64:ff9b::a83f:8110",
    "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "2002:a9fe:a9fe::", "2002:a83f:8110::1",
    "2001:0:a9fe:a9fe::", "2001:0:4136:e378:8000:63bf:5601:5601", "::169.254.169.254", "::ffff:0:169.254.169.254",
    "2001:db8:64::a9fe:a9fe", "fd12:3456::5efe:a9fe:a9fe",
    "64:ff9b:1:00a9:00fe:a9fe::", "64:ff9b:1:0:00a9:fea9:fe00:0", "64:ff9b:1:a9fe:a9:fe12::1",
    "64:ff9b:1:00a8:003f:8110::", "64:ff9b:1:0:00a8:3f81:1000:0", "64:ff9b:1:0:a9:fe01:100:0",
    "2001:db8:a9fe:a9fe::", "2001:db8:1a9:fea9:fe::", "2001:db8:122:a9fe:a9:fe00::", "2001:db8:122:3a9:fe:a9fe::",
    "2001:db8:122:344:a9:fea9:fe00::",
]  # fmt: skip
SECRET = "s3cret.example"
EVERYTHING = [None, "0.0.0.0/0,::/0", "169.0.0.0/8,168.0.0.0/8,100.64.0.0/10,fd00::/8,64:ff9b::/96,host"]


def destination(address: str) -> str:
    """One spelling of what is connected to: without the zone, and IPv4 where it is IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return str(ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped else ip)


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("allowed", EVERYTHING)
def test_no_network_around_a_metadata_address_opens_it(address: str, allowed: str | None) -> None:
    """Nor the former setting, nor a host name that leads there, nor an address that it is wrapped in."""
    assert is_metadata(address)
    assert Egress.of(allowed, everything_private=True).refusal("host", address) is not None
    assert Egress.of(allowed).refusal("host", address) is not None


@pytest.mark.parametrize("address", METADATA)
def test_a_metadata_address_is_opened_by_its_own_name(address: str) -> None:
    """That one, and no other."""
    plain = address.partition("%")[0]
    egress = Egress.of(f"10.0.0.0/8, {plain}")
    assert egress.refusal("host", address) is None
    assert all(egress.refusal("host", other) for other in METADATA if destination(other) != destination(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "168.63.129.17", "100.100.100.199", "2606:4700::1111", "2001:4860::a9fe:1", "64:ff9b:1:8:8:800::",
     "2001:db8:122:344:a9:fea9:ff00::"],
)  # fmt: skip
def test_other_addresses_are_no_metadata(address: str) -> None:
    """However near they are."""
    assert not is_metadata(address)


@pytest.mark.parametrize(
    ("allowed", "host", "address", "opens"),
    [
        (None, "host", "8.8.8.8", True),
        (None, "host", "10.0.0.1", False),
        ("10.0.0.0/8", "host", "10.9.9.9", True),
        ("10.0.0.0/8", "host", "::ffff:10.9.9.9", True),
        ("10.0.0.0/8", "host", "11.0.0.1", True),
        ("10.0.0.0/8", "host", "172.16.0.1", False),
        ("10.0.0.0/8", "host", "64:ff9b::a09:909", False),
        ("10.0.0.1", "host", "10.0.0.1", True),
        ("10.0.0.1", "host", "10.0.0.2", False),
        ("fc00::/7", "host", "fd00::1", True),
        ("::1", "host", "::1", True),
        ("::ffff:10.0.0.0/104", "host", "10.0.0.1", True),
        ("::1", "host", "127.0.0.1", False),
        ("Intranet.Example.org.", "intranet.example.org", "10.0.0.1", True),
        ("intranet.example.org", "INTRANET.example.org.", "10.0.0.1", True),
        ("intranet.example.org", "evil.intranet.example.org", "10.0.0.1", False),
        ("intranet.example.org", "intranet.example.org.evil.org", "10.0.0.1", False),
        (" localhost , ,10.0.0.0/8, ", "localhost", "127.0.0.1", True),
        ("localhost", "127.0.0.1", "127.0.0.1", False),
    ],
)
def test_what_an_entry_opens(allowed: str | None, host: str, address: str, opens: bool) -> None:
    """A network its addresses, a host name those that it leads to, and nothing beside."""
    assert (Egress.of(allowed).refusal(host, address) is None) is opens


@pytest.mark.parametrize(
    "allowed",
    [
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.0-10.0.0.9", "*", "*.example.org", "http://host", "host:80",
        "[::1]", "fe80::1%eth0", "127.1", "2130706433", "0x7f.1", "host name", "host;host", "ünï.example", "-a.example",
        "a..b",         f"{SECRET},,nonsense!",
    ],
)  # fmt: skip
def test_a_malformed_entry_is_refused(allowed: str) -> None:
    """By its number, and without its text."""
    with pytest.raises(ValueError, match=r"has an entry \(number [23]\) that is not a network") as refused:
        Egress.of(f"{SECRET}, {allowed}" if "," not in allowed else allowed)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "allowed", ["169.254.0.0/16", "169.254.169.0/24", "fd00:ec2::/64", "10.0.0.0/8,169.254.170.0/30"]
)
def test_a_network_of_metadata_addresses_is_refused(allowed: str) -> None:
    """It would open nothing, so it is said."""
    with pytest.raises(ValueError, match="must be listed one by one"):
        Egress.of(allowed)


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0xa9.254.0251.254"]
)
def test_no_spelling_of_a_metadata_address_is_connected_to(host: str) -> None:
    """It is judged as the system resolves it."""
    with pytest.raises(AddressRefused, match="metadata"):
        GuardedBackend(Egress.of("0.0.0.0/0", everything_private=True)).connect_tcp(host, 9, timeout=0.01)


def test_a_patched_module_moves_no_border(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a bot of the same process has put into `ipaddress` is not asked."""
    for name in ("is_global", "is_private", "is_reserved", "ipv4_mapped", "__contains__"):
        for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network):
            monkeypatch.setattr(kind, name, name == "is_global", raising=False)
    monkeypatch.setattr(ipaddress, "ip_address", lambda address: 1 / 0)
    monkeypatch.setattr(ipaddress, "ip_network", lambda network: 1 / 0)
    egress = Egress.of("10.0.0.0/8")
    assert egress.refusal("host", "127.0.0.1") and egress.refusal("host", "169.254.169.254")
    assert egress.refusal("host", "10.1.2.3") is None and egress.refusal("host", "8.8.8.8") is None
