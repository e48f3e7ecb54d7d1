"""MQTT over TLS with a login: a real Mosquitto, whose certificate is by an authority of the tests' own."""

import ipaddress
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from server.outbound.mqtt import MqttPublisher
from server.outbound.mqtt_words import Broker
from server.supervise import Backoff
from tests.outbound.conftest import Office, until_that
from tests.outbound.mosquitto import Mosquitto, listening, open_mosquitto
from tests.outbound.test_mqtt import House, telling
from tests.outbound.test_mqtt_words import BROKER

USER, PASSWORD = "rollcall", "a login of the broker's own"
ONLINE = "site/rollcall/availability"


@dataclass(frozen=True)
class Authority:
    """One that can vouch for a machine on loopback."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _signed(key, name, name, key, authority=True))

    def vouch(self, folder: Path) -> None:
        """Writes `broker.pem` and `broker.key` for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        found = _signed(key, "broker", str(issuer), self.key, authority=False)
        (folder / "broker.pem").write_bytes(found.public_bytes(serialization.Encoding.PEM))
        (folder / "broker.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def keep(self, path: Path) -> Path:
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path


def _signed(
    key: ec.EllipticCurvePrivateKey, name: str, issuer: str, by: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if authority:
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        made = made.add_extension(usage, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = made.add_extension(names, critical=False)
    return made.sign(by, SHA256())


@dataclass(frozen=True)
class Guarded:
    """The broker, and the authority that vouches for it."""

    mosquitto: Mosquitto
    ca_file: Path

    @property
    def broker(self) -> Broker:
        return replace(
            BROKER, port=self.mosquitto.port, tls=True, username=USER, password=PASSWORD, ca_file=self.ca_file
        )


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    keeper = shutil.which("mosquitto_passwd")
    if keeper is None:
        pytest.skip("no Mosquitto here: apt-get install mosquitto")
    authority = Authority.made("The works")
    authority.vouch(tmp_path)
    subprocess.run([keeper, "-c", "-b", tmp_path / "logins", USER, PASSWORD], check=True, timeout=60)
    settings = (
        f"allow_anonymous false\npassword_file {tmp_path}/logins\ncertfile {tmp_path}/broker.pem\n"
        f"keyfile {tmp_path}/broker.key"
    )
    with open_mosquitto(tmp_path, settings=settings) as started:
        yield Guarded(started, authority.keep(tmp_path / "authority.pem"))


def publisher(office: Office, broker: Broker) -> MqttPublisher:
    return MqttPublisher(
        office.store, office.bus, House(), lambda: "Works", broker, poll_s=0.05, backoff=Backoff(0.05, 0.2)
    )


async def test_a_broker_with_an_authority_of_ones_own(office: Office, guarded: Guarded) -> None:
    """What it is told arrives, by its login and under a certificate that is checked."""
    trust = ssl.create_default_context(cafile=guarded.ca_file)
    how = {"username": USER, "password": PASSWORD, "tls_context": trust}
    async with listening(guarded.mosquitto.port, **how) as heard, telling(publisher(office, guarded.broker)):
        await until_that(lambda: heard.newest.get(ONLINE) == b"online")
        assert heard.newest["site/rollcall/present"] == b"3"
        await office.happen()
        await until_that(lambda: len(heard.of("site/rollcall/arrival")) == 1)


# paho leaves a socket whose handshake failed for the collector to close.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"ca_file": None}, "CERTIFICATE_VERIFY_FAILED"),
        ({"ca_file": "others"}, "CERTIFICATE_VERIFY_FAILED"),
        ({"host": "localhost"}, "CERTIFICATE_VERIFY_FAILED"),
        ({"password": "another"}, "Not authorized"),
        ({"username": None, "password": None}, "Not authorized"),
    ],
)
async def test_who_is_not_trusted_is_told_nothing(
    office: Office, guarded: Guarded, tmp_path: Path, given: dict[str, object], why: str
) -> None:
    """An authority that the system does not know, another one, another name, a wrong login and none: the log says
    which, without the password, and it is tried again."""
    if given.get("ca_file"):
        given = {"ca_file": Authority.made("The works").keep(tmp_path / "others.pem")}
    one = publisher(office, replace(guarded.broker, **given))  # type: ignore[arg-type]
    with capture_logs() as said:
        async with telling(one):
            await until_that(lambda: len([line for line in said if line["event"] == "mqtt_away"]) > 1)
    assert {line["event"] for line in said} == {"mqtt_away"}
    assert all(why.lower() in line["reason"].lower() for line in said)
    assert PASSWORD not in str(said)
