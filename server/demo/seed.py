"""What the demo starts with: a login, two cameras, one enrolled person and a kiosk. Repeatable."""

from collections.abc import Sequence
from functools import partial

from sqlmodel.ext.asyncio.session import AsyncSession

from server.access.access import Access
from server.demo.clips import DemoClip, enrolment_photo
from server.pipeline.enrol import Enrolment
from server.store import cameras, kiosks, people
from server.store.audit import SYSTEM
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Camera, Kiosk, Person, Photo
from server.store.views import KioskPublic, PersonBrief, PhotoPublic

LOGIN = "admin@example.com"
PASSWORD = "admin123"
ENROLLED = "Eileen Collins"
KIOSK = "Front door"


async def seed_demo(store: Store, access: Access, enrolment: Enrolment, clips: Sequence[DemoClip]) -> None:
    """Adds what is missing; what the visitor has changed stays, but a camera follows its clip to a new path."""
    await access.accounts.first_admin(LOGIN, "Demo Admin", PASSWORD, unchecked=True)
    async with store.transaction() as session:
        note = partial(access.audit.record, session, SYSTEM)
        ids = []
        for clip in clips:
            camera = await cameras.find_by_name(session, clip.name)
            if camera is None or camera.source != str(clip.path):
                action = "camera.changed" if camera else "camera.created"
                camera = camera or Camera(name=clip.name, source="", kind="file", role="in")
                camera.source = str(clip.path)
                await cameras.save_camera(session, camera)
                await note(action, "cameras", camera.id, after={"name": camera.name, "source": camera.source})
            ids.append(camera.id)
        if (await kiosks.page(session, Page(page_size=1))).total == 0:
            kiosk = await kiosks.save_kiosk(session, Kiosk(name=KIOSK, camera_ids=ids[:1]))
            await note("kiosk.created", "kiosks", kiosk.id, after=KioskPublic.of(kiosk))
        if (await people.page(session, Page(page_size=1))).total > 0:
            return
        person = await people.save_person(session, Person(full_name=ENROLLED, employee_id="STS-93"))
        await note("person.created", "people", person.id, after=PersonBrief.of(person))

    async def note_photo(session: AsyncSession, photo: Photo) -> None:
        await access.audit.record(session, SYSTEM, "photo.added", "photos", photo.id, after=PhotoPublic.of(photo))

    await enrolment.add_photo(person.id, enrolment_photo(), note_photo)
