"""Sections of the settings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from server.errors import Invalid
from server.opening import broker
from server.sections import MqttSettings, OutboundSettings
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
