"""Sections of the settings: the ground of all of them, and those about what leaves to other systems."""

from ipaddress import IPv4Network, IPv6Network

from pydantic import BaseModel, ConfigDict, Field

Network = IPv4Network | IPv6Network


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutboundSettings(Section):
    allowed_networks: tuple[Network, ...] = Field(
        (),
        description="where webhooks may go besides the public internet, as a JSON list of networks; loopback, "
        "link-local and metadata addresses only if a network inside their range is named",
    )
