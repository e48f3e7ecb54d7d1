"""Finding cameras: those that answer on the network, and the streams that one of them offers."""

from typing import Literal

from pydantic import Field

from server.address import redact
from server.media.discovery import discover
from server.media.onvif import MediaProfile, pair, profiles
from server.routes.call import ShortQuery
from server.routes.endpoint import Call, Endpoint, endpoint
from server.routes.responses import Page
from server.wire import Form, Password, Wire

LOGIN = {"address": "http://192.168.1.20/onvif/device_service", "username": "admin", "password": "seven grey herons"}


class FoundCamera(Wire):
    address: str = Field(description="where its streams are asked for")
    name: str
    hardware: str
    location: str


class DeviceLogin(Form):
    address: str = Field(min_length=1, max_length=2000)
    username: str = Field("", max_length=200)
    password: Password = Field("", max_length=200)


class FoundStream(Wire):
    """`suggested` is `main` for the one to show, `sub` for the one to analyse."""

    name: str
    codec: str
    width: int
    height: int
    fps: float | None
    bitrate_kbps: int | None
    source: str = Field(description="with the user's name, and without the password")
    suggested: Literal["main", "sub"] | None


@endpoint("GET", "/cameras/discover", allow="cameras:write", raises=(503,))
async def discover_cameras(call: Call, query: ShortQuery) -> Page[FoundCamera]:
    """The ONVIF cameras that answer on the networks of this server: it takes three seconds.

    503 `not_installed` where the server was installed without the extra `onvif`.
    """
    found = await discover(call.parts.address_rules)
    return Page.cut(query.wanted, [FoundCamera.model_validate(one) for one in found])


@endpoint("POST", "/cameras/profiles", allow="cameras:write", raises=(503,), example=LOGIN)
async def camera_profiles(call: Call, body: DeviceLogin) -> Page[FoundStream]:
    """The streams that an ONVIF camera offers, the largest picture first, or the reason why it does not tell."""
    found = await profiles(body.address, body.username, body.password, call.parts.address_rules)
    main, sub = pair(found)
    return Page(
        [_shown(one, "main" if one is main else "sub" if one is sub else None) for one in found],
        1, len(found), len(found),
    )  # fmt: skip


def _shown(one: MediaProfile, suggested: Literal["main", "sub"] | None) -> FoundStream:
    return FoundStream(
        name=one.name, codec=one.codec, width=one.width, height=one.height, fps=one.fps,
        bitrate_kbps=one.bitrate_kbps, source=redact(one.source), suggested=suggested,
    )  # fmt: skip


ENDPOINTS: tuple[Endpoint, ...] = (discover_cameras, camera_profiles)
