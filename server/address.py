"""What a URL or a path may point to: schemes, roots, networks; and how an address is shown without its secrets."""

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from server.errors import Invalid, SourceFailed

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# An address of mail as nearly all are: nothing in it is special to a header or to SMTP.
MAILBOX = r"^[A-Za-z0-9_.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,7}$"
PRIVATE_NETWORKS: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)

# A wide network such as 0.0.0.0/0 does not open these: they count only where the rule itself lies inside one of them.
_SPECIAL: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("100.100.100.200/32"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
    IPv6Network("::/128"),
    IPv6Network("::1/128"),
    IPv6Network("fe80::/10"),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("ff00::/8"),
)

_NAT64 = IPv6Network("64:ff9b::/96")
_SCHEMES = {"rtsp": ("rtsp", "rtsps"), "http": ("http", "https")}
_PORTS = {"http": 80, "https": 443}
_DEVICE = re.compile(r"[0-9]{1,2}")
_SECRET = r"pass|pwd|token|secret|key|auth|sig"
# Cameras have short names for it, too: loginpas, user_pw, psw, and p alone.
_SHORT = r"[^?&;/=#]*(?:pas|psw|pswd|pw)|(?<![^?&;/#])p"
_SECRET_PAIR = re.compile(rf"(?i)([^?&;/=#]*(?:{_SECRET})[^?&;/=#]*|{_SHORT})=([^&;/#]*)")


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Where `file` cameras may read, and on which networks the others may be."""

    roots: tuple[Path, ...] = ()
    allowed_networks: tuple[Network, ...] = PRIVATE_NETWORKS

    def allows(self, address: Address) -> bool:
        """Loopback, link-local and metadata addresses only if a network inside their own range is named."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        naming = [network for network in self.allowed_networks if address in network]
        for special in _SPECIAL:
            if address in special:
                naming = [network for network in naming if _inside(network, special)]
        return bool(naming)


class Allowing(Protocol):
    """Says which addresses may be connected to."""

    def allows(self, address: Address) -> bool: ...


@dataclass(frozen=True, slots=True)
class ReceiverRules:
    """Where receivers of webhooks may be: on the public internet, and on networks that are named."""

    allowed_networks: tuple[Network, ...] = ()
    _named: AddressRules = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_named", AddressRules(allowed_networks=self.allowed_networks))

    def allows(self, address: Address) -> bool:
        """An address that wraps another one, as gateways between IPv6 and IPv4 have them, is as good as that."""
        wrapped = _wrapped(address)
        if wrapped is not None:
            return self.allows(wrapped)
        return (address.is_global and not address.is_multicast) or self._named.allows(address)


def _wrapped(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _inside(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and network.subnet_of(other)
    return isinstance(other, IPv6Network) and network.subnet_of(other)


def redact(url: str) -> str:
    """The address as it may be shown and logged: the user stays, the password and what looks like a secret go."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    ends = [at for at in (rest.find(mark) for mark in "/?#") if at >= 0]
    cut = min(ends, default=len(rest))
    authority, tail = rest[:cut], rest[cut:]
    if "@" in tail and ":" in authority and "@" not in authority:
        # A password may hold an unescaped slash: what stands before the last @ is not worth the risk.
        user, (_, _, tail) = authority.partition(":")[0], tail.rpartition("@")
        authority = f"{user}@"
    elif "@" in authority:
        user, _, host = authority.rpartition("@")
        authority = f"{user.partition(':')[0]}@{host}"
    shown = _SECRET_PAIR.sub(r"\1=…", tail)
    return f"{scheme}://{authority}{shown}"


def secrets_of(url: str) -> list[str]:
    """The password of an address, and what looks like a secret in it: to be masked wherever it turns up."""
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    found = [password, unquote(password)] if password else []
    return [*found, *(value for _, value in _SECRET_PAIR.findall(url) if value)]


def with_password(url: str, known: str) -> str:
    """`url` with the password of `known`, where it names the same user of the same host and leaves the password out."""
    try:
        new, old = urlsplit(url), urlsplit(known)
        same = (new.scheme, new.username, new.hostname, new.port) == (old.scheme, old.username, old.hostname, old.port)
    except ValueError:
        return url
    if not same or new.username is None or new.password is not None or old.password is None:
        return url
    login = old.netloc.rpartition("@")[0]
    return new._replace(netloc=f"{login}@{new.netloc.rpartition('@')[2]}").geturl()


def same_origin(url: str, known: str) -> bool:
    """Whether both lead to the same scheme, host and port; not where that cannot be told."""
    try:
        new, old = (urlsplit(one) for one in (url, known))
        ports = [one.port or _PORTS.get(one.scheme) for one in (new, old)]
    except ValueError:
        return False
    return (new.scheme, new.hostname) == (old.scheme, old.hostname) and ports[0] == ports[1]


def check_source(kind: str, source: str, rules: AddressRules, field: str = "source") -> None:
    """Whether a camera of this kind may have this source, as far as can be told without the network."""
    if kind == "push":
        if source:
            raise _refused("A camera of this kind has no address: whoever publishes comes to it.", field, "malformed")
        return
    if not source or any(ord(character) < 33 and character != " " for character in source):
        raise _refused("Give the address of the camera.", field, "malformed")
    if kind == "usb":
        if not _DEVICE.fullmatch(source):
            raise _refused("Give the number of the device, such as 0.", field, "malformed")
        return
    if kind == "file":
        allowed_path(source, rules, field)
        return
    if kind not in _SCHEMES:
        raise Invalid.field("kind", "not_supported", f"Cameras of the kind {kind} are not supported.")
    parts = _split(source, field)
    if parts.scheme.lower() not in _SCHEMES[kind]:
        schemes = " or ".join(f"{scheme}://" for scheme in _SCHEMES[kind])
        raise _refused(f"The address of this camera must start with {schemes}.", field)
    _check_literal(parts.hostname or "", rules, field)


def allowed_path(source: str, rules: AddressRules, field: str = "source") -> Path:
    """The real path behind a `file` source: absolute, and under one of the roots once every link is followed."""
    path = Path(source)
    if not path.is_absolute():
        raise _refused("Give the absolute path of a file in one of the media folders.", field)
    resolved = path.resolve()
    if not any(resolved.is_relative_to(root.resolve()) for root in rules.roots):
        raise _refused("This file is not in one of the folders that cameras may read from.", field)
    return resolved


async def resolve_allowed(url: str, rules: Allowing, *, field: str = "source") -> None:
    """Looks the host up and refuses unless every address behind it is allowed. May be cancelled.

    Raises Invalid (not_allowed) or SourceFailed (not_found).
    """
    parts = _split(url, field)
    host = parts.hostname or ""
    _check_literal(host, rules, field)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceFailed(f"Nothing is known under the name {host}. Check the address.", code="not_found") from None
    for _, _, _, _, address in found:
        if not rules.allows(_address(str(address[0]))):
            raise _not_on_network(field)


def _address(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _check_literal(host: str, rules: Allowing, field: str) -> None:
    try:
        address = _address(host)
    except ValueError:
        return
    if not rules.allows(address):
        raise _not_on_network(field)


def _split(url: str, field: str = "source") -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Invalid.field(field, "malformed", "This is not a complete address.")
    return parts


def _refused(message: str, field: str, code: str = "not_allowed") -> Invalid:
    return Invalid.field(field, code, message)


def _not_on_network(field: str) -> Invalid:
    return Invalid.field(field, "not_allowed", "This address is not on a network that is allowed here.")
