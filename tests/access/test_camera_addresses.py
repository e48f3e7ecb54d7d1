"""The addresses of cameras: shown in the clear, kept whole under a key, and found again on the way back."""

import pytest

from server.access.camera_addresses import CameraAddresses
from server.access.keyring import Keyring
from server.store import cameras
from server.store.engine import Store
from server.store.tables import Camera
from tests.databases import databases as databases
from tests.databases import empty_url as empty_url
from tests.databases import store as store

OLD, NEW = (f"{word}-0123456789-abcdefghijklmnopqrstuvwxyz" for word in ("old", "new"))
SOURCE = "rtsp://guard:hunter2@10.0.0.5:554/live?token=hunter2"
SHOWN = "rtsp://guard@10.0.0.5:554/live?token=…"


@pytest.fixture
def addresses() -> CameraAddresses:
    return CameraAddresses(Keyring((OLD,)))


def camera(source: str = "", sub_source: str = "") -> Camera:
    return Camera(name="Door", kind="rtsp", role="in", source=source, sub_source=sub_source)


def test_a_row_holds_no_password(addresses: CameraAddresses) -> None:
    """Neither of the two addresses is in the clear, and both come back whole."""
    row = camera()
    addresses.put(row, SOURCE)
    addresses.put_sub(row, "rtsp://guard:hunter2@10.0.0.5/small")
    assert row.source == SHOWN
    assert "hunter2" not in str(row.model_dump())
    assert addresses.of(row) == SOURCE
    assert addresses.sub_of(row) == "rtsp://guard:hunter2@10.0.0.5/small"


@pytest.mark.parametrize("source", ["/films/a.mp4", "0", "", "http://10.0.0.5/mjpeg"])
def test_what_holds_no_secret_is_kept_as_it_is(addresses: CameraAddresses, source: str) -> None:
    row = camera()
    addresses.put(row, source)
    assert (row.source, row.sealed_source, addresses.of(row)) == (source, None, source)


def test_the_same_address_again_changes_nothing(addresses: CameraAddresses) -> None:
    """As it is shown or as it is: the sealed one stays the very same, so that no stream is started again."""
    row = camera()
    addresses.put(row, SOURCE)
    before = row.sealed_source
    for again in (SHOWN, SOURCE):
        addresses.put(row, again)
        assert row.sealed_source == before


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("rtsp://guard@10.0.0.5:554/other", "rtsp://guard:hunter2@10.0.0.5:554/other"),
        ("rtsp://guard@10.0.0.6:554/live", "rtsp://guard@10.0.0.6:554/live"),
        ("rtsp://other@10.0.0.5:554/live", "rtsp://other@10.0.0.5:554/live"),
        ("http://guard@10.0.0.5:554/live", "http://guard@10.0.0.5:554/live"),
        ("rtsp://guard:new@10.0.0.5:554/live", "rtsp://guard:new@10.0.0.5:554/live"),
        ("rtsp://10.0.0.5:554/live", "rtsp://10.0.0.5:554/live"),
    ],
)
def test_a_password_stays_with_its_host_and_user(addresses: CameraAddresses, given: str, kept: str) -> None:
    """Another path of the same camera keeps the password; it is never sent to another host or user."""
    row = camera()
    addresses.put(row, SOURCE)
    addresses.put(row, given)
    assert addresses.of(row) == kept


def test_a_sub_stream_may_borrow_the_login(addresses: CameraAddresses) -> None:
    """It is the same device: its address is given without the password, too."""
    row = camera()
    addresses.put(row, SOURCE)
    addresses.put_sub(row, "rtsp://guard@10.0.0.5:554/small")
    assert addresses.sub_of(row) == "rtsp://guard:hunter2@10.0.0.5:554/small"
    addresses.put_sub(row, "")
    assert (row.sub_source, addresses.sub_of(row), row.sealed_sub_source) == ("", "", None)


def test_a_key_that_is_gone_costs_the_password_and_nothing_else(addresses: CameraAddresses) -> None:
    """An older key still opens; without it the camera is asked without the password, and the server runs on."""
    row = camera()
    addresses.put(row, SOURCE)
    assert CameraAddresses(Keyring((NEW, OLD))).of(row) == SOURCE
    assert CameraAddresses(Keyring((NEW,))).of(row) == SHOWN


async def test_what_an_earlier_version_left_is_sealed_once(store: Store, addresses: CameraAddresses) -> None:
    """And opened again for the way back; what holds no secret is not touched."""
    async with store.transaction() as session:
        plain = await cameras.save_camera(session, camera(SOURCE, SOURCE))
        other = await cameras.save_camera(session, Camera(name="Film", kind="file", role="in", source="/a.mp4"))
    assert await addresses.seal_all(store) == 1
    assert await addresses.seal_all(store) == 0
    async with store.read() as session:
        row = await cameras.get(session, plain.id)
        assert "hunter2" not in str(row.model_dump())
        assert (addresses.of(row), addresses.sub_of(row)) == (SOURCE, SOURCE)
        assert (await cameras.get(session, other.id)).updated_at == other.updated_at
    async with store.transaction() as session:
        assert await addresses.unseal_all(session) == 1
    async with store.read() as session:
        row = await cameras.get(session, plain.id)
    assert (row.source, row.sealed_source, row.sub_source, row.sealed_sub_source) == (SOURCE, None, SOURCE, None)
