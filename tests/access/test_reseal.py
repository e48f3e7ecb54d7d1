"""What does not say with which key it is sealed: sealed anew once, counted by who opens it, left where none does."""

from sqlmodel import select

from server.access import reseal
from server.access.camera_addresses import CameraAddresses
from server.access.keyring import Keyring
from server.store.engine import Store
from server.store.tables import Camera, Role, User

OLD, NEW, LOST = "o" * 64, "n" * 64, "l" * 64
ADDRESS = "rtsp://user:s3cret-word@192.0.2.7/live"


async def _filled(store: Store) -> None:
    """A camera and a second factor under the old key, and a camera under one that is lost."""
    role = Role(name="R")
    cameras = [Camera(name=name, source="", kind="rtsp", role="in") for name in ("known", "lost")]
    for camera, secret in zip(cameras, (OLD, LOST), strict=True):
        CameraAddresses(Keyring([secret])).put(camera, ADDRESS)
    CameraAddresses(Keyring([OLD])).put_sub(cameras[0], ADDRESS + "/small")
    factor = Keyring([OLD]).box("totp").encrypt(b"BASE32").decode()
    async with store.transaction() as session:
        session.add_all([role, *cameras])
        await session.flush()
        session.add(User(email="a@b.c", full_name="A", password_hash="x", role_id=role.id, totp_secret=factor))


async def test_sealed_anew_once(store: Store) -> None:
    """With the newest key; then the older one opens nothing, and nothing is left to do."""
    await _filled(store)
    ring = Keyring([NEW, OLD])
    assert await reseal.count(store, Keyring([OLD])) == 3
    assert await reseal.seal_all(store, ring) == (3, 1)
    assert await reseal.seal_all(store, ring) == (0, 1)
    assert [await reseal.count(store, Keyring([secret])) for secret in (OLD, NEW, LOST)] == [0, 3, 1]
    async with store.read() as session:
        [known] = (await session.exec(select(Camera).where(Camera.name == "known"))).all()
        [user] = (await session.exec(select(User))).all()
    alone = Keyring([NEW])
    assert (CameraAddresses(alone).of(known), CameraAddresses(alone).sub_of(known)) == (ADDRESS, ADDRESS + "/small")
    assert alone.box("totp").decrypt(user.totp_secret or "") == b"BASE32"
