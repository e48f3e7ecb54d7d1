"""Where cameras are: rows keep of an address what may be shown, and the whole of it encrypted."""

from collections.abc import Sequence
from typing import TypeAlias

import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.keyring import Keyring
from server.address import redact, secrets_of, with_password
from server.masking import register_secret
from server.store.engine import Store
from server.store.tables import Camera

# Columns rather than rows: a migration on its way back may have come to fewer columns than the table has here.
_KEPT = (Camera.id, Camera.source, Camera.sealed_source, Camera.sub_source, Camera.sealed_sub_source)

Kept: TypeAlias = "tuple[str, str | None]"  # what may be shown, and the whole of it encrypted


class CameraAddresses:
    """Seals and opens the addresses of camera rows. The rows are the caller's to save."""

    def __init__(self, keyring: Keyring) -> None:
        self._box = keyring.box("cameras")

    def put(self, camera: Camera, source: str) -> None:
        """The address of its picture. What the API shows of the present one stands for the present one."""
        present = self.of(camera)
        if source not in (camera.source, present):
            camera.source, camera.sealed_source = self._kept(with_password(source, present))

    def put_sub(self, camera: Camera, source: str) -> None:
        """The address of its smaller picture; "" for none."""
        present = self.sub_of(camera) or self.of(camera)  # one device, one login
        if source not in (camera.sub_source, self.sub_of(camera)):
            camera.sub_source, camera.sealed_sub_source = self._kept(with_password(source, present))

    def of(self, camera: Camera) -> str:
        """The whole address. What no key opens any more comes back as it is shown: the camera then refuses us."""
        return self._opened(camera.id, camera.source, camera.sealed_source)

    def sub_of(self, camera: Camera) -> str:
        """The same of its smaller picture; "" for none."""
        return self._opened(camera.id, camera.sub_source, camera.sealed_sub_source)

    async def seal_all(self, store: Store) -> int:
        """Seals what an earlier version has left in the clear; how many cameras that were."""
        async with store.read() as session:
            rows = (await session.exec(select(*_KEPT))).all()  # type: ignore[call-overload]
        plain = [
            (camera_id, self._sealed(source, sealed), self._sealed(sub, sealed_sub))
            for camera_id, source, sealed, sub, sealed_sub in rows
            if (sealed is None and redact(source) != source) or (sealed_sub is None and redact(sub) != sub)
        ]
        if plain:
            async with store.transaction() as session:
                await self._write(session, plain)
        return len(plain)

    async def unseal_all(self, session: AsyncSession) -> int:
        """The way back, for a version that knows no sealed ones; how many cameras that were."""
        rows = (await session.exec(select(*_KEPT))).all()  # type: ignore[call-overload]
        opened = [
            (
                camera_id,
                (self._opened(camera_id, source, sealed), None),
                (self._opened(camera_id, sub, sealed_sub), None),
            )
            for camera_id, source, sealed, sub, sealed_sub in rows
            if sealed is not None or sealed_sub is not None
        ]
        await self._write(session, opened)
        return len(opened)

    async def _write(self, session: AsyncSession, rows: Sequence[tuple[str, Kept, Kept]]) -> None:
        for camera_id, (source, sealed), (sub, sealed_sub) in rows:
            await session.exec(
                update(Camera)
                .where(col(Camera.id) == camera_id)
                .values(source=source, sealed_source=sealed, sub_source=sub, sealed_sub_source=sealed_sub)
            )

    def _sealed(self, source: str, sealed: str | None) -> Kept:
        return (source, sealed) if sealed is not None else self._kept(source)

    def _kept(self, source: str) -> Kept:
        """A path may hold anything and is no secret; an address of the network is shown without its secrets."""
        shown = redact(source)
        return shown, None if shown == source else self._box.encrypt(source.encode()).decode()

    def _opened(self, camera_id: str, shown: str, sealed: str | None) -> str:
        if sealed is None:
            return shown
        try:
            source = self._box.decrypt(sealed).decode()
        except InvalidToken:
            structlog.get_logger(__name__).error("camera_address_unreadable", camera=camera_id)
            return shown
        for secret in secrets_of(source):
            register_secret(secret)
        return source
