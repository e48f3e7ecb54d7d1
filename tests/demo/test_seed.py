"""The demo's beginning: complete, and harmless when repeated."""

from pathlib import Path

from server.access.permissions import ADMIN
from server.demo.clips import DemoClip
from server.demo.seed import ENROLLED, LOGIN, PASSWORD, seed_demo
from server.parts import Parts
from server.store import cameras, kiosks, people
from server.store.audit import Filter
from server.store.paging import Page
from tests.opened import parts_in


async def counts(parts: Parts) -> tuple[int, int, int, int]:
    async with parts.store.read() as session:
        return (
            (await cameras.page(session, Page())).total,
            (await kiosks.page(session, Page())).total,
            (await people.page(session, Page())).total,
            len(parts.roster.gallery),
        )


async def test_everything_is_there_once(tmp_path: Path) -> None:
    """Two cameras, a kiosk for the first of them, one person with a template; the second start adds nothing."""
    clips = [DemoClip("Entrance", tmp_path / "a.mp4"), DemoClip("Workshop", tmp_path / "b.mp4")]
    async with parts_in(tmp_path / "state", users=False) as parts:
        for _ in range(2):
            await seed_demo(parts.store, parts.access, parts.enrolment, clips)
            await parts.roster.refresh()
            assert await counts(parts) == (2, 1, 1, 1)
        signed_in = await parts.access.login(LOGIN, PASSWORD)
        assert signed_in.user.role == ADMIN
        async with parts.store.read() as session:
            [kiosk] = (await kiosks.page(session, Page())).rows
            [person] = (await people.page(session, Page())).rows
        assert len(kiosk.camera_ids) == 1
        noted = (await parts.access.audit.page(Page(page_size=200), Filter())).rows
        actions = ["camera.created", "camera.created", "kiosk.created", "person.created", "photo.added"]
        resources = ("cameras", "kiosks", "people", "photos")
        assert [row.action for row in reversed(noted) if row.resource in resources] == actions
        assert person.person.full_name == ENROLLED


async def test_a_camera_follows_its_clip(tmp_path: Path) -> None:
    """A new version of the demo has other files: the cameras show those."""
    async with parts_in(tmp_path / "state", users=False) as parts:
        for name in ("old.mp4", "new.mp4"):
            clips = [DemoClip("Entrance", tmp_path / name)]
            await seed_demo(parts.store, parts.access, parts.enrolment, clips)
        async with parts.store.read() as session:
            [camera] = (await cameras.page(session, Page())).rows
        assert camera.source == str(tmp_path / "new.mp4")
