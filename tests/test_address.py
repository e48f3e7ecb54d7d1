"""server/address.py: what a URL may point to, and how it is shown."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

import pytest

from server.address import (
    AddressRules,
    ReceiverRules,
    allowed_path,
    check_source,
    redact,
    resolve_allowed,
    same_origin,
    secrets_of,
    with_password,
)
from server.errors import Invalid, SourceFailed

RULES = AddressRules()
LOOPBACK = AddressRules(allowed_networks=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://admin:pa55@10.0.0.5:554/live", "rtsp://admin@10.0.0.5:554/live"),
        ("rtsp://10.0.0.5/live", "rtsp://10.0.0.5/live"),
        ("rtsp://admin:p@55@10.0.0.5/live", "rtsp://admin@10.0.0.5/live"),
        ("rtsp://admin:p/55@10.0.0.5/live", "rtsp://admin@10.0.0.5/live"),
        ("rtsp://admin:1/55@10.0.0.5/live", "rtsp://admin@10.0.0.5/live"),
        ("rtsp://admin:p?55#@10.0.0.5/live", "rtsp://admin@10.0.0.5/live"),
        ("http://10.0.0.5/cgi?user=a&password=pa55&x=1", "http://10.0.0.5/cgi?user=a&password=…&x=1"),
        ("http://10.0.0.5/cgi?access_token=pa55", "http://10.0.0.5/cgi?access_token=…"),
        (
            "http://10.0.0.5/videostream.cgi?loginuse=a&loginpas=pa55",
            "http://10.0.0.5/videostream.cgi?loginuse=a&loginpas=…",
        ),
        ("http://10.0.0.5/cgi?psw=pa55&map=1&p=pa55&page=2", "http://10.0.0.5/cgi?psw=…&map=1&p=…&page=2"),
        ("rtsp://10.0.0.5/user=a_password=pa55", "rtsp://10.0.0.5/user=a_password=…"),
        ("/films/door.mp4", "/films/door.mp4"),
        ("https://[fd00::1]:8443/x", "https://[fd00::1]:8443/x"),
    ],
)
def test_redact(url: str, shown: str) -> None:
    """Passwords and secrets of the query go, the rest stays readable."""
    assert redact(url) == shown
    assert "55" not in redact(url).replace("554", "")


def test_what_is_secret_in_an_address() -> None:
    """The password as it is written and as it is meant, and the secrets of the query; nothing of what is none."""
    assert secrets_of("rtsp://a:p%4055@10.0.0.5/1?token=pa55&channel=1") == ["p%4055", "p@55", "pa55"]
    assert secrets_of("rtsp://a@10.0.0.5/1?channel=1") == []
    assert secrets_of("rtsp://[nonsense") == []


@pytest.mark.parametrize(
    ("url", "known", "whole"),
    [
        ("rtsp://a@10.0.0.5/2", "rtsp://a:p%40:s@10.0.0.5/1", "rtsp://a:p%40:s@10.0.0.5/2"),
        ("rtsp://a:n@10.0.0.5/2", "rtsp://a:p@10.0.0.5/1", "rtsp://a:n@10.0.0.5/2"),
        ("rtsp://a@10.0.0.5:8554/2", "rtsp://a:p@10.0.0.5/1", "rtsp://a@10.0.0.5:8554/2"),
        ("rtsp://a@10.0.0.5:port/2", "rtsp://a:p@10.0.0.5/1", "rtsp://a@10.0.0.5:port/2"),
        ("/films/a.mp4", "/films/b.mp4", "/films/a.mp4"),
        ("", "rtsp://a:p@10.0.0.5/1", ""),
    ],
)
def test_a_password_is_kept_for_the_same_login_only(url: str, known: str, whole: str) -> None:
    """Another path keeps it; another scheme, user, host or port does not get it."""
    assert with_password(url, known) == whole


def test_the_same_scheme_host_and_port() -> None:
    """However they are written; the way and the login do not count, and what cannot be read is another one."""
    for same in ("HTTPS://HR.example.com:443/x", "https://me:pw@hr.example.com?y"):
        assert same_origin(same, "https://hr.example.com")
    for other in (
        "http://hr.example.com", "https://hr.example.com:444", "https://hr.example.com@b.example/",
        "https://hr.example.com.b.example", "https://hr.example.com:x/", "http://[::1",
    ):  # fmt: skip
        assert not same_origin(other, "https://hr.example.com"), other


@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.0.1", "192.168.1.9", "fd12::1", "::ffff:10.0.0.1"])
def test_private_networks(address: str) -> None:
    """Cameras are on private networks, so these are allowed unless told otherwise."""
    assert RULES.allows(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "2001:db8::1",
        "64:ff9b::7f00:1",
    ],
)
def test_not_allowed(address: str) -> None:
    """Public, loopback, link-local, multicast and metadata addresses are refused, in every spelling."""
    assert not RULES.allows(ip_address(address))


def test_special_addresses_only_if_named() -> None:
    """A network that covers everything does not name loopback; loopback itself, or one address of it, does."""
    everything = AddressRules(allowed_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    assert everything.allows(ip_address("8.8.8.8"))
    for address in ("127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254"):
        assert not everything.allows(ip_address(address))
        assert AddressRules(allowed_networks=(ip_network(address),)).allows(ip_address(address))
    assert LOOPBACK.allows(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("kind", "source", "code"),
    [
        ("rtsp", "exec:rm", "malformed"),
        ("rtsp", "http://10.0.0.5/", "not_allowed"),
        ("http", "rtsp://10.0.0.5/", "not_allowed"),
        ("http", "file:///etc/passwd", "malformed"),
        ("http", "concat:a|b", "malformed"),
        ("http", "subfile,,start,0,end,9,,:/etc/passwd", "malformed"),
        ("http", "pipe:0", "malformed"),
        ("http", "gopher://10.0.0.5/", "not_allowed"),
        ("http", "http://127.0.0.1/", "not_allowed"),
        ("http", "http://[::1]/", "not_allowed"),
        ("http", "http://10.0.0.5:99999/", "malformed"),
        ("http", "http://10.0.0.5/\n", "malformed"),
        ("http", "", "malformed"),
        ("file", "door.mp4", "not_allowed"),
        ("file", "file:/films/door.mp4", "not_allowed"),
        ("file", "/etc/passwd", "not_allowed"),
        ("usb", "/dev/video0", "malformed"),
        ("usb", "-1", "malformed"),
        ("usb", "", "malformed"),
        ("push", "rtsp://10.0.0.5/", "malformed"),
        ("carrier-pigeon", "coo", "not_supported"),
    ],
)
def test_refused_sources(kind: str, source: str, code: str) -> None:
    """Schemes that are not the kind's, addresses that are not allowed, and FFmpeg's own protocols are refused."""
    with pytest.raises(Invalid) as refusal:
        check_source(kind, source, RULES)
    assert refusal.value.details[0].code == code


def test_accepted_sources(tmp_path: Path) -> None:
    """What cameras usually are is accepted."""
    check_source("rtsp", "rtsp://admin:pa55@10.0.0.5/live", RULES)
    check_source("http", "https://camera.example/mjpeg", RULES)
    check_source("usb", "0", RULES)
    check_source("push", "", RULES)
    check_source("file", str(tmp_path / "a door.mp4"), AddressRules(roots=(tmp_path,)))


def test_paths_stay_in_the_roots(tmp_path: Path) -> None:
    """Dots and links that lead out of the roots are refused; a root that is a link itself is followed."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (tmp_path / "alias").symlink_to(inside)
    rules = AddressRules(roots=(tmp_path / "alias",))
    assert allowed_path(str(inside / "door.mp4"), rules) == inside / "door.mp4"
    for source in (inside / ".." / "outside" / "door.mp4", inside / "link" / "door.mp4", outside / "door.mp4"):
        with pytest.raises(Invalid):
            allowed_path(str(source), rules)


async def test_names_are_looked_up() -> None:
    """A name counts by the addresses behind it; one that nobody knows is not found."""
    await resolve_allowed("http://localhost:9/", LOOPBACK)
    await resolve_allowed("http://10.0.0.5/", RULES)
    with pytest.raises(Invalid) as refusal:
        await resolve_allowed("http://localhost:9/", RULES, field="url")
    assert (refusal.value.details[0].field, refusal.value.details[0].code) == ("url", "not_allowed")
    with pytest.raises(SourceFailed) as failure:
        await resolve_allowed("http://camera.invalid/", RULES)
    assert failure.value.code == "not_found"


@pytest.mark.parametrize(
    ("address", "public", "named"),
    [
        ("8.8.8.8", True, True), ("2606:4700::1111", True, True), ("10.1.2.3", False, True), ("10.2.0.1", False, False),
        ("127.0.0.1", False, False), ("0.0.0.0", False, False), ("169.254.169.254", False, False),
        ("100.64.0.1", False, False), ("100.100.100.200", False, False), ("192.0.2.1", False, False),
        ("224.0.0.1", False, False), ("255.255.255.255", False, False), ("::", False, False), ("::1", False, False),
        ("fe80::1", False, False), ("fd00:ec2::254", False, False), ("fc00::1", False, False),
        ("ff02::1", False, False),
        ("::ffff:127.0.0.1", False, False), ("::ffff:8.8.8.8", True, True), ("::ffff:10.1.2.3", False, True),
        ("64:ff9b::7f00:1", False, False), ("64:ff9b::a01:203", False, True), ("64:ff9b::808:808", True, True),
        ("2002:7f00:1::", False, False), ("2002:a01:203::", False, True), ("2002:808:808::", True, True),
    ],
)  # fmt: skip
def test_where_webhooks_may_go(address: str, public: bool, named: bool) -> None:
    """To the public internet, and to networks that are named; whatever wraps an address is as good as that."""
    assert ReceiverRules().allows(ip_address(address)) is public
    assert ReceiverRules((ip_network("10.1.0.0/16"),)).allows(ip_address(address)) is named


def test_everything_does_not_open_what_is_special() -> None:
    """A wide network allows private addresses; loopback counts only where it is named itself."""
    wide = ReceiverRules((ip_network("0.0.0.0/0"),))
    assert wide.allows(ip_address("10.0.0.1"))
    assert not wide.allows(ip_address("127.0.0.1"))
    assert ReceiverRules((ip_network("127.0.0.0/8"),)).allows(ip_address("127.0.0.1"))
