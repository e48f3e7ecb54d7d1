"""The certificate for HTTPS: the one that was given, checked, or one of our own that is made once and kept."""

import fcntl
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.errors import Invalid
from server.ids import new_id

GOOD_FOR = timedelta(days=825)  # the most that Apple's devices take
RENEW_BEFORE = timedelta(days=30)
CLOCKS_DIFFER_BY = timedelta(days=1)
FOLDER = "tls"
_ANYWHERE = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, both PEM, as files."""

    cert: Path
    key: Path
    names: frozenset[str]
    starts: datetime
    expires: datetime
    fingerprint: str
    self_signed: bool

    def untimely(self, now: datetime) -> str | None:
        """Why browsers would refuse it at that time; a server goes on with it, as its cameras need no browser."""
        if now < self.starts:
            return f"{self.cert} is not valid before {self.starts:%Y-%m-%d}."
        return f"{self.cert} is out of date since {self.expires:%Y-%m-%d}." if self.expires <= now else None


def given(cert: Path, key: Path) -> Certificate:
    """The certificate of somebody's choosing. Raises Invalid, with one line that says what is wrong."""
    chain = _readable(cert, "tls.cert")
    _readable(key, "tls.key")
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise Invalid.field("tls.cert", "not_pem", f"{cert} holds no certificate in PEM.") from None
    _check_pair(cert, key)
    return _described(first, cert, key)


def self_signed(folder: Path, names: Iterable[str], now: datetime) -> Certificate:
    """The one in the folder, as long as it is good and covers the names; otherwise a new one, kept there."""
    wanted = frozenset(names)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder):
        kept = _kept(folder, now)
        if kept is None or not wanted <= kept.names:
            _make(folder, wanted, now)
            kept = _kept(folder, now)
        assert kept is not None
        return kept


def kept_in(folder: Path, now: datetime) -> Certificate | None:
    """The self-signed one that a start would go on using, as far as its date goes; nothing is made."""
    return _kept(folder, now) if folder.is_dir() else None


def own_names(host: str, further: Iterable[str] = ()) -> frozenset[str]:
    """What this machine is called: here, on its network, and as it was told."""
    mine = {"localhost", "127.0.0.1", "::1", socket.gethostname(), *further}
    if host not in _ANYWHERE:
        mine.add(host)
    return frozenset(plain for name in mine if (plain := _plain(name)))


def _plain(name: str) -> str:
    """An address in its one spelling, or a host name as a certificate holds it; empty where it is neither."""
    try:
        return str(ipaddress.ip_address(name.strip("[]").partition("%")[0]))
    except ValueError:
        pass
    try:
        return name.encode("idna").decode("ascii").lower().rstrip(".")
    except UnicodeError:
        return ""


def _readable(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid.field(setting, "not_readable", f"{path} cannot be read: {error.strerror}.") from None


def _check_pair(cert: Path, key: Path) -> None:
    """As the server will load them: the library would ask for a pass phrase on the terminal."""
    locked = False

    def no_phrase() -> str:
        nonlocal locked
        locked = True
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, no_phrase)
    except (ssl.SSLError, ValueError) as error:
        if locked:
            raise Invalid.field("tls.key", "locked", f"{key} is protected by a pass phrase: take it off.") from None
        if "MISMATCH" in (getattr(error, "reason", None) or ""):
            raise Invalid.field("tls.key", "mismatch", f"{key} is not the key of {cert}.") from None
        raise Invalid.field("tls.key", "not_pem", f"{cert} and {key} are no certificate and key in PEM.") from None


def _kept(folder: Path, now: datetime) -> Certificate | None:
    """None where there is none, or none to go on with."""
    try:
        found = given(folder / "certificate.pem", folder / "key.pem")
    except Invalid:
        return None
    if now < found.starts or found.expires - now < RENEW_BEFORE:
        return None
    found.key.chmod(0o600)
    return found


def _make(folder: Path, names: frozenset[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Rollcall")])
    start = now - CLOCKS_DIFFER_BY
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), False),
        # Whoever trusts it trusts this one server; its key can sign for no other.
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False),
    ]
    draft = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + GOOD_FOR)
    )
    for extension, critical in extensions:
        draft = draft.add_extension(extension, critical)
    plain = serialization.NoEncryption()
    _write(
        folder / "key.pem",
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
        0o600,
    )
    _write(folder / "certificate.pem", draft.sign(key, SHA256()).public_bytes(serialization.Encoding.PEM), 0o644)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never for a moment readable by others."""
    draft = path.with_name(f".{path.name}.{new_id()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two servers that start together on one folder end up with one certificate."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _described(first: x509.Certificate, cert: Path, key: Path) -> Certificate:
    try:
        held = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = frozenset(
            [str(address) for address in held.get_values_for_type(x509.IPAddress)]
            + held.get_values_for_type(x509.DNSName)
        )
    except x509.ExtensionNotFound:
        names = frozenset()
    digest = first.fingerprint(SHA256()).hex(":").upper()
    times = first.not_valid_before_utc, first.not_valid_after_utc
    return Certificate(cert, key, names, *times, digest, first.issuer == first.subject)
