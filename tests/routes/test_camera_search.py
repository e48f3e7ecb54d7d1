"""Finding cameras over HTTP. The cameras are fakes on loopback: none exists on this machine."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.media import onvif
from tests.media.onvif_device import Offered, OnvifDevice
from tests.opened import client_of, parts_in

PROFILES = "/api/v1/cameras/profiles"


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Of a server whose cameras may be on this machine."""
    async with parts_in(tmp_path, media={"allowed_networks": ["127.0.0.0/8"]}) as parts, client_of(parts) as client:
        yield client


async def test_the_streams_of_a_camera(admin: httpx.AsyncClient) -> None:
    """The largest first, with a word for which to show and which to analyse, and without the password."""
    with OnvifDevice() as device:
        device.offered = [
            Offered("small", width=640, height=360, uri="rtsp://127.0.0.1:8554/small"),
            Offered("large", "H265", 2560, 1440, uri="rtsp://127.0.0.1:8554/large"),
        ]
        login = {"address": device.url, "username": device.username, "password": device.password}
        answer = await admin.post(PROFILES, json=login)
        assert answer.status_code == 200, answer.text
        assert device.password not in answer.text
        found = answer.json()["data"]
        assert [(one["name"], one["codec"], one["width"], one["suggested"]) for one in found] == [
            ("large stream", "hevc", 2560, "main"),
            ("small stream", "h264", 640, "sub"),
        ]
        assert found[1]["source"] == "rtsp://operator@127.0.0.1:8554/small"
        wrong = await admin.post(PROFILES, json=login | {"password": "another"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (503, "unauthorized")


async def test_addresses_that_are_not_allowed(admin: httpx.AsyncClient) -> None:
    """The field is named, and nobody is asked."""
    for address in ("http://10.0.0.5/onvif/device_service", "file:///etc/passwd", "http://"):
        answer = await admin.post(PROFILES, json={"address": address, "username": "a", "password": "b"})
        assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (422, "address"), address


async def test_a_search_that_finds_nobody(admin: httpx.AsyncClient) -> None:
    """An empty list, within four seconds."""
    answer = await admin.get("/api/v1/cameras/discover")
    assert (answer.status_code, answer.json()["data"], answer.json()["meta"]["total"]) == (200, [], 0)


async def test_without_the_extra(admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said so, with what is missing; everything else works."""

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(onvif, "import_module", missing)
    for answer in (
        await admin.get("/api/v1/cameras/discover"),
        await admin.post(PROFILES, json={"address": "http://127.0.0.1:9/", "username": "a", "password": "b"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_installed")
