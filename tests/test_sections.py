"""Sections of the settings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from server.errors import Invalid
from server.opening import broker, mailer
from server.sections import MqttSettings, OutboundSettings, RealtimeSettings, SmtpSettings
from server.settings import Settings
from server.tls import self_signed


def test_no_network_is_allowed_unless_named() -> None:
    """Webhooks go to the public internet only."""
    assert OutboundSettings().allowed_networks == ()


def test_networks_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a JSON list; what is none is a mistake."""
    monkeypatch.setenv("ROLLCALL_OUTBOUND__ALLOWED_NETWORKS", '["10.1.0.0/16"]')
    assert [str(one) for one in Settings().outbound.allowed_networks] == ["10.1.0.0/16"]
    with pytest.raises(ValidationError):
        OutboundSettings.model_validate({"allowed_networks": ["10.1.0.0/33"]})


def test_a_dead_peer_is_found_within_40_s() -> None:
    """By default: asked, and then waited for."""
    chosen = RealtimeSettings()
    assert chosen.ping_every_s + chosen.ping_timeout_s <= 40
    assert chosen.compression


@pytest.mark.parametrize(
    "wrong", [{"window_bits": 8}, {"window_bits": 16}, {"ping_every_s": 0}, {"ping_timeout_s": 301}]
)
def test_bounds_of_the_realtime_settings(wrong: dict[str, float]) -> None:
    """zlib has no smaller or larger window."""
    with pytest.raises(ValidationError):
        RealtimeSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "http://broker"), ("url", "mqtt://user:pw@broker"), ("url", "broker"), ("base_topic", "a/#"),
     ("base_topic", ""), ("base_topic", "/a"), ("discovery_prefix", "a+b")],
)  # fmt: skip
def test_what_is_no_broker(field: str, value: str) -> None:
    """Named by its field; a login in the address would be shown."""
    with pytest.raises(ValidationError):
        MqttSettings.model_validate({field: value})


def test_a_broker() -> None:
    """With its usual port, and with TLS by its scheme."""
    assert broker(Settings()) is None
    for url, port, tls in (
        ("mqtt://broker", 1883, False), ("mqtts://broker", 8883, True), ("mqtt://127.0.0.1:1999", 1999, False),
    ):  # fmt: skip
        found = broker(Settings(mqtt=MqttSettings(url=url, password=SecretStr("pa55word"))))
        assert found is not None
        assert (found.port, found.tls, found.password, found.username) == (port, tls, "pa55word", None)
        assert not found.people
        assert found.ca_file is None


SENDER = "rollcall@example.com"


def test_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """None unless it is named; with the usual port of how it is spoken to, or another."""
    monkeypatch.setenv("ROLLCALL_SMTP__PORT", "")
    assert mailer(Settings()) is None
    for security, port in (("starttls", 587), ("tls", 465), ("none", 25)):
        found = mailer(Settings(smtp=SmtpSettings(host="mail.example.com", security=security, sender=SENDER)))
        assert found is not None
        assert (found.server.port, found.server.username, found.server.password) == (port, None, None)
    login = {"username": "u", "password": "pa55word"}
    given = SmtpSettings.model_validate(
        {"host": "127.0.0.1", "port": 2525, "security": "none", "sender": SENDER} | login
    )
    found = mailer(Settings(smtp=given))
    assert found is not None
    assert (found.server.port, found.server.username, found.server.password) == (2525, "u", "pa55word")
    assert "pa55word" not in f"{given!r}{found.server!r}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"host": "mail.example.com:25", "sender": SENDER}, "without a port"),
        ({"host": "mail.example.com\n", "sender": SENDER}, "without a port"),
        ({"host": "mail.example.com"}, "sender is needed"),
        ({"sender": "Rollcall <rollcall@example.com>"}, "is an address such as"),
        ({"sender": "a@example.com\nBcc: b@example.com"}, "is an address such as"),
        ({"sender_name": "Rollcall\r\nBcc: b@example.com"}, "cannot be printed"),
        ({"username": "u"}, "belong together"),
        ({"password": "p"}, "belong together"),
        ({"security": "ssl"}, "security"),
        (
            {"host": "mail.example.com", "sender": SENDER, "security": "none", "username": "u", "password": "p"},
            "needs security starttls or tls",
        ),
    ],
)
def test_what_is_no_mail_server(given: dict[str, str], said: str) -> None:
    """Said by what is wrong; a login in the clear goes nowhere but to this machine."""
    with pytest.raises(ValidationError, match=said):
        SmtpSettings.model_validate(given)
    for host in ("localhost", "127.0.0.2", "::1"):
        here = {"host": host, "sender": SENDER, "security": "none", "username": "u", "password": "p"}
        assert SmtpSettings.model_validate(here).host == host


def test_the_authorities_of_a_broker(tmp_path: Path) -> None:
    """A file that is none is refused at the start, by its setting; without TLS nobody looks at it."""
    made = self_signed(tmp_path / "tls", ["broker"], datetime.now(UTC))
    good = broker(Settings(mqtt=MqttSettings(url="mqtts://broker", ca_file=made.cert)))
    assert good is not None
    assert good.ca_file == made.cert
    (tmp_path / "empty.pem").write_text("nothing")
    for file, code in ((tmp_path / "empty.pem", "not_pem"), (tmp_path / "none.pem", "not_readable")):
        with pytest.raises(Invalid) as refused:
            broker(Settings(mqtt=MqttSettings(url="mqtts://broker", ca_file=file)))
        assert [(one.field, one.code) for one in refused.value.details] == [("mqtt.ca_file", code)]
        assert broker(Settings(mqtt=MqttSettings(url="mqtt://broker", ca_file=file))) is not None
    empty = broker(Settings(mqtt=MqttSettings.model_validate({"url": "mqtts://broker", "ca_file": ""})))
    assert empty is not None
    assert empty.ca_file is None
