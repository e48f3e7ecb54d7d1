"""Sections of the settings: the ground of all of them, and those about what leaves to other systems."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

Network = IPv4Network | IPv6Network
_BROKER = re.compile(r"mqtts?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII)
_TOPIC = r"^[^#+/\x00\s]+(/[^#+/\x00\s]+)*$"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutboundSettings(Section):
    allowed_networks: tuple[Network, ...] = Field(
        (),
        description="where webhooks may go besides the public internet, as a JSON list of networks; loopback, "
        "link-local and metadata addresses only if a network inside their range is named",
    )


class MqttSettings(Section):
    url: str = Field("", description="mqtt://host:1883 or mqtts://host:8883 of a broker that is told; empty: none is")
    username: str = ""
    password: SecretStr | None = None
    ca_file: Path | None = Field(
        None, description="PEM of the authorities that alone vouch for the broker of mqtts://; empty: the system's"
    )
    base_topic: str = Field("rollcall", pattern=_TOPIC, description="what all topics begin with")
    discovery_prefix: str = Field(
        "homeassistant", pattern=rf"^$|{_TOPIC}", description="of Home Assistant's discovery; empty: it is not told"
    )
    people: bool = Field(False, description="tell who came and went, and whole events, not only that somebody did")

    @field_validator("url")
    @classmethod
    def _broker(cls, value: str) -> str:
        if value and not _BROKER.fullmatch(value):
            raise ValueError("is like mqtt://host:1883 or mqtts://host:8883; the login has settings of its own")
        return value
