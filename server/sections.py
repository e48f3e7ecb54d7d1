"""Sections of the settings: the ground of all of them, and those about what leaves to other systems."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from server.address import MAILBOX

Network = IPv4Network | IPv6Network
_BROKER = re.compile(r"mqtts?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_TOPIC = r"^[^#+/\x00\s]+(/[^#+/\x00\s]+)*$"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutboundSettings(Section):
    allowed_networks: tuple[Network, ...] = Field(
        (),
        description="where webhooks may go besides the public internet, as a JSON list of networks; loopback, "
        "link-local and metadata addresses only if a network inside their range is named",
    )


class RealtimeSettings(Section):
    compression: bool = Field(True, description="WebSocket messages are compressed for whoever offers it")
    window_bits: Annotated[int, Field(ge=9, le=15)] = Field(
        12, description="of the compression: each bit doubles what it looks back on, and the memory of one message"
    )
    ping_every_s: Annotated[float, Field(gt=0, le=300)] = Field(
        15.0, description="how often a WebSocket is asked whether it is still there"
    )
    ping_timeout_s: Annotated[float, Field(gt=0, le=300)] = Field(
        20.0, description="one that has not answered by then is closed"
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

    @field_validator("ca_file", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("url")
    @classmethod
    def _broker(cls, value: str) -> str:
        if value and not _BROKER.fullmatch(value):
            raise ValueError("is like mqtt://host:1883 or mqtts://host:8883; the login has settings of its own")
        return value


class SmtpSettings(Section):
    host: str = Field("", description="the mail server that takes reports; empty: no mail is sent")
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="empty: 587 with starttls, 465 with tls, 25 with none"
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="none: nothing is encrypted, and a login is for this machine only"
    )
    username: str = Field("", description="empty: no login")
    password: SecretStr | None = None
    sender: str = Field("", description="the address that mail comes from")
    sender_name: str = Field("Rollcall", max_length=100, description="and its name")
    timeout_s: Annotated[float, Field(gt=0, le=300)] = Field(30.0, description="of each step of a conversation")

    @field_validator("port", mode="before")
    @classmethod
    def _chosen(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        if value and not _HOST.fullmatch(value):
            raise ValueError("is a name or an address, without a port: that has a setting of its own")
        return value

    @field_validator("sender")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value and (len(value) > 254 or not re.fullmatch(MAILBOX, value)):
            raise ValueError("is an address such as rollcall@example.com; its name has a setting of its own")
        return value

    @field_validator("username", "sender_name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("has characters that cannot be printed, such as a line break")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "SmtpSettings":
        secret = self.password.get_secret_value() if self.password else ""
        if bool(self.username) != bool(secret):
            raise ValueError("username and password belong together")
        if self.host and not self.sender:
            raise ValueError("sender is needed where there is a host")
        if secret and self.security == "none" and not _is_here(self.host):
            raise ValueError("a login needs security starttls or tls: with none anybody on the way could read it")
        return self


def _is_here(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
