"""Sections of the settings."""

import pytest
from pydantic import ValidationError

from server.sections import OutboundSettings
from server.settings import Settings


def test_no_network_is_allowed_unless_named() -> None:
    """Webhooks go to the public internet only."""
    assert OutboundSettings().allowed_networks == ()


def test_networks_are_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a JSON list; what is none is a mistake."""
    monkeypatch.setenv("ROLLCALL_OUTBOUND__ALLOWED_NETWORKS", '["10.1.0.0/16"]')
    assert [str(one) for one in Settings().outbound.allowed_networks] == ["10.1.0.0/16"]
    with pytest.raises(ValidationError):
        OutboundSettings.model_validate({"allowed_networks": ["10.1.0.0/33"]})
