"""The certificate for HTTPS: what is given is checked with one clear line, and our own is made once and kept."""

import ssl
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from server.errors import Invalid
from server.tls import Certificate, given, kept_in, own_names, self_signed

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def loaded(certificate: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificate.cert.read_bytes())


def test_it_is_for_this_machine_by_every_name(tmp_path: Path) -> None:
    """ECDSA on P-256, names and addresses as such, no authority over others, and not longer than devices take."""
    made = self_signed(tmp_path, NAMES | {"rollcall.lan"}, NOW)
    found = loaded(made)
    key = found.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    held = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(address) for address in held.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}
    assert set(held.get_values_for_type(x509.DNSName)) == {"localhost", "rollcall.lan"}
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert found.not_valid_after_utc - found.not_valid_before_utc <= timedelta(days=825)
    assert found.not_valid_before_utc <= NOW - timedelta(hours=1)
    assert made.self_signed


def test_its_key_is_for_the_owners_eyes(tmp_path: Path) -> None:
    """Mode 0600, also where somebody has opened it up; nothing unfinished stays in the folder."""
    made = self_signed(tmp_path / "tls", NAMES, NOW)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.key.parent.stat().st_mode) == 0o700
    made.key.chmod(0o644)
    assert stat.S_IMODE(self_signed(tmp_path / "tls", NAMES, NOW).key.stat().st_mode) == 0o600
    assert {path.name for path in made.key.parent.iterdir()} == {"certificate.pem", "key.pem", ".lock"}


def test_it_is_kept(tmp_path: Path) -> None:
    """The next start has the same one: whoever has trusted it is not asked again. Fewer names do not change it."""
    first = self_signed(tmp_path, NAMES | {"rollcall.lan"}, NOW)
    assert self_signed(tmp_path, NAMES, NOW + timedelta(days=700)) == first
    assert kept_in(tmp_path, NOW) == first


@pytest.mark.parametrize(
    ("names", "later"), [(NAMES | {"new.lan"}, timedelta()), (NAMES, timedelta(days=796)), (NAMES, timedelta(days=900))]
)
def test_it_is_made_anew_for_a_new_name_and_before_it_runs_out(
    tmp_path: Path, names: frozenset[str], later: timedelta
) -> None:
    """With fewer than thirty days left, or none."""
    first = self_signed(tmp_path, NAMES, NOW)
    again = self_signed(tmp_path, names, NOW + later)
    assert again.fingerprint != first.fingerprint
    assert again.names == names
    assert again.expires > NOW + later + timedelta(days=800)


@pytest.mark.parametrize("broken", ["certificate.pem", "key.pem"])
def test_a_broken_one_is_replaced(tmp_path: Path, broken: str) -> None:
    """Half of the pair lost or cut off is no reason not to start."""
    first = self_signed(tmp_path, NAMES, NOW)
    (tmp_path / broken).write_text("-----BEGIN")
    assert kept_in(tmp_path, NOW) is None
    assert self_signed(tmp_path, NAMES, NOW).fingerprint != first.fingerprint


def test_servers_that_start_together_have_one(tmp_path: Path) -> None:
    """Each reads what the first has made."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: self_signed(tmp_path, NAMES, NOW), range(8)))
    assert len({one.fingerprint for one in made}) == 1


def test_the_fingerprint_is_the_one_that_browsers_show(tmp_path: Path) -> None:
    """SHA-256 over the certificate, as OpenSSL prints it."""
    made = self_signed(tmp_path, NAMES, NOW)
    command = ["openssl", "x509", "-in", str(made.cert), "-noout", "-fingerprint", "-sha256"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip().partition("=")[2] == made.fingerprint


def test_own_names() -> None:
    """The host that is listened on counts, but not "anywhere"; addresses have one spelling; nonsense is left out."""
    names = own_names("192.168.1.9", ["Rollcall.LAN.", "[2001:db8:0::1]", "bücher.example", "a..b"])
    assert {"localhost", "127.0.0.1", "::1", "192.168.1.9", "rollcall.lan", "2001:db8::1"} <= names
    assert "xn--bcher-kva.example" in names
    assert not any(".." in name for name in names)
    assert not {"0.0.0.0", "::"} & (own_names("0.0.0.0") | own_names("::"))


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    """A pair that fits, with its names and the day on which it runs out."""
    made = self_signed(tmp_path, NAMES, NOW)
    assert given(made.cert, made.key) == made


def _pair(folder: Path) -> tuple[Path, Path]:
    made = self_signed(folder, NAMES, NOW)
    return made.cert, made.key


@pytest.mark.parametrize(
    ("wrong", "field", "code", "said"),
    [
        ("no certificate", "tls.cert", "not_readable", "cannot be read"),
        ("no key", "tls.key", "not_readable", "cannot be read"),
        ("folder", "tls.cert", "not_readable", "cannot be read"),
        ("text", "tls.cert", "not_pem", "no certificate in PEM"),
        ("key is text", "tls.key", "not_pem", "no certificate and key"),
        ("other key", "tls.key", "mismatch", "is not the key of"),
        ("locked", "tls.key", "locked", "pass phrase"),
    ],
)
def test_what_cannot_work_is_one_clear_line(tmp_path: Path, wrong: str, field: str, code: str, said: str) -> None:
    """Which file, and what is the matter with it; never a question on the terminal."""
    cert, key = _pair(tmp_path)
    if wrong.startswith("no "):
        (cert if wrong == "no certificate" else key).unlink()
    elif wrong == "folder":
        cert = tmp_path
    elif wrong == "text":
        cert.write_text("hello")
    elif wrong == "key is text":
        key.write_text("hello")
    elif wrong == "other key":
        key = _pair(tmp_path / "other")[1]
    else:
        locked = tmp_path / "locked.pem"
        command = ["openssl", "pkcs8", "-topk8", "-in", str(key), "-out", str(locked), "-passout", "pass:hunter2"]
        subprocess.run(command, check=True, capture_output=True)
        key = locked
    with pytest.raises(Invalid, match=said) as caught:
        given(cert, key)
    (detail,) = caught.value.details
    assert (detail.field, detail.code) == (field, code)
    assert "\n" not in detail.message


def test_a_certificate_out_of_its_time_says_so(tmp_path: Path) -> None:
    """Browsers would refuse every visit; the cameras can go on."""
    found = given(*_pair(tmp_path))
    assert found.untimely(NOW) is None
    assert "not valid before 2026-02-28" in (found.untimely(NOW - timedelta(days=30)) or "")
    assert "out of date" in (found.untimely(NOW + timedelta(days=825)) or "")


def test_a_client_that_trusts_it_gets_through(tmp_path: Path) -> None:
    """With strict verification, as newer Pythons have it by default."""
    made = self_signed(tmp_path, NAMES, datetime.now(UTC))
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=made.cert)
    server.load_cert_chain(made.cert, made.key)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (here, there):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert here.version() == "TLSv1.3"
