"""What the demo starts with: a login, two cameras, one enrolled person and a kiosk. Repeatable."""

from collections.abc import Sequence

from server.access.accounts import Accounts
from server.demo.clips import DemoClip, enrolment_photo
from server.pipeline.enrol import Enrolment
from server.store import cameras, kiosks, people
from server.store.engine import Store
from server.store.paging import Page
from server.store.tables import Camera, Kiosk, Person

LOGIN = "admin@example.com"
PASSWORD = "admin123"
ENROLLED = "Eileen Collins"
KIOSK = "Front door"


async def seed_demo(store: Store, accounts: Accounts, enrolment: Enrolment, clips: Sequence[DemoClip]) -> None:
    """Adds what is missing; what the visitor has changed stays, but a camera follows its clip to a new path."""
    await accounts.first_admin(LOGIN, "Demo Admin", PASSWORD)
    async with store.transaction() as session:
        ids = []
        for clip in clips:
            camera = await cameras.find_by_name(session, clip.name)
            if camera is None:
                camera = Camera(name=clip.name, source=str(clip.path), kind="file", role="in")
            camera.source = str(clip.path)
            ids.append((await cameras.save_camera(session, camera)).id)
        if (await kiosks.page(session, Page(page_size=1))).total == 0:
            await kiosks.save_kiosk(session, Kiosk(name=KIOSK, camera_ids=ids[:1]))
        if (await people.page(session, Page(page_size=1))).total > 0:
            return
        person = await people.save_person(session, Person(full_name=ENROLLED, employee_id="STS-93"))
    await enrolment.add_photo(person.id, enrolment_photo())
