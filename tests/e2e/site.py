"""A running server with something of everything. Whoever asks it has rows of their own, so that nobody misses them."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import numpy as np
import pyotp
import requests
from aiortc import RTCConfiguration, RTCPeerConnection
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlmodel import SQLModel

from server.access.principal import Principal
from server.app import make_app
from server.demo.clips import enrolment_photo
from server.ids import new_id
from server.lifespan import running
from server.parts import Parts
from server.routes.endpoint import Endpoint
from server.store import evaluations, tables
from server.store.runtime import RuntimeSettings
from tests.e2e.expected import Expected
from tests.media.films import write_film
from tests.media.onvif_device import OnvifDevice
from tests.opened import PASSWORD, parts_in

URL = "http://rollcall.test"
ROLES = ("Admin", "Operator", "Viewer")
LIMITED, PROGRAM, KIOSK, NOBODY = "limited", "API key", "kiosk", "nobody"
PROGRAM_MAY = ("cameras:read", "people:read", "people:write", "keys:manage")
ADDRESS = "192.0.2.1"
# Who asks is not left to chance.
OWN_HEADERS = ("authorization", "cookie", "x-csrf-token")
# Of the operations on a camera: what needs a picture, and what needs somebody who may publish. The rest may change it.
ON_FILM = re.compile(r".*/(whep.*|mjpeg|snapshot.jpg|stats|status)|POST .*/snapshots")
ON_TABLET = re.compile(r".*/(whip.*|restart)")


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


@dataclass
class Caller:
    """Somebody who asks: how they are let in, and what there is for them."""

    who: str
    ids: dict[str, str] = field(default_factory=dict)  # by the name that the path gives them
    token: str = ""
    refresh_token: str = ""
    email: str = ""
    code: str = ""  # good once, where the operation takes one
    badge: str = ""  # of a person of theirs
    link: dict[str, str] = field(default_factory=dict)  # what a signed link has in its query


# As `rollcall models eval --site` keeps it.
MEASURED = {
    "detector": "centerface@1", "embedder": "mobilefacenet@1", "people": 3, "photos": 9,
    "pairs": {"same": 9, "different": 27}, "failureToEnrol": 0.0, "accuracy": None, "threshold": None,
    "tar": {"1e-2": None}, "fpir": {"1": 0.0}, "fnir": {"1": 0.1}, "galleryPhotos": 1, "msPerFace": 4.0,
    "det": [[0.01, 0.4], [0.1, 0.2]],
}  # fmt: skip


@dataclass
class Site:
    """Driven from the test's own thread; it lives in another."""

    portal: BlockingPortal
    parts: Parts
    unset: Parts  # of a server that has no user yet
    client: httpx.AsyncClient
    newcomer: httpx.AsyncClient  # of that one
    device: OnvifDevice
    film: Path
    offers: dict[str, str]  # of a viewer and of a publisher
    photo: bytes
    film_camera: str = ""
    tablet_camera: str = ""
    seen: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))  # as Admin
    _standing: dict[tuple[str, str], Caller] = field(default_factory=dict)

    def caller(self, who: str, one: Endpoint) -> Caller:
        """Somebody who has asked for other things before, unless all that was theirs may have changed."""
        return self.portal.call(self._caller, who, one)

    def dismiss(self, caller: Caller) -> None:
        """They have been signed out, or something of theirs is not as it was."""
        self._standing = {key: one for key, one in self._standing.items() if one is not caller}

    def ask(
        self, caller: Caller, one: Endpoint, request: requests.PreparedRequest, *, first: bool = False
    ) -> httpx.Response:
        """The answer; `first`: of the server that has no user yet."""
        answer = self.portal.call(self._ask, caller, one, request, first)
        if caller.who == "Admin":
            self.seen[named(one)][answer.status_code] += 1
        return answer

    async def _ask(
        self, caller: Caller, one: Endpoint, request: requests.PreparedRequest, first: bool
    ) -> httpx.Response:
        given = {str(name).lower(): str(value) for name, value in request.headers.items()}
        for name in OWN_HEADERS:
            given.pop(name, None)
        headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        if caller.token:
            headers.append((b"Authorization", f"Bearer {caller.token}".encode()))
        body = request.body or b""
        content = body if isinstance(body, bytes) else str(body).encode()
        client = self.newcomer if first else self.client
        if one.path.endswith(("/mjpeg", "/stream")):
            self.parts.stopping.set()  # they would not end: a server that stops sends the first part
        try:
            async with asyncio.timeout(30):
                return await client.request(str(request.method), str(request.url), headers=headers, content=content)
        finally:
            self.parts.stopping.clear()

    async def _caller(self, who: str, one: Endpoint) -> Caller:
        await self._usual_settings()
        prepare = PREPARED.get(named(one))
        camera_id = self._camera_of(one)
        caller = self._standing.get((who, camera_id))
        if caller is None or prepare is not None:
            caller = await self._newcomer(who, camera_id)
        if prepare is None:
            self._standing[(who, camera_id)] = caller
        else:
            await prepare(self, caller)
        return caller

    def _camera_of(self, one: Endpoint) -> str:
        """The id, or nothing where a new one will do."""
        if "camera_id" not in one.path_names:
            return ""
        if ON_FILM.fullmatch(named(one)):
            return self.film_camera
        return self.tablet_camera if ON_TABLET.fullmatch(named(one)) else ""

    async def _newcomer(self, who: str, camera_id: str) -> Caller:
        caller = Caller(who)
        await self._house(caller, camera_id)
        await self._let_in(caller)
        return caller

    async def _usual_settings(self) -> None:
        runtime = self.parts.runtime
        usual = runtime.completed(RuntimeSettings())
        if runtime.current != usual:
            async with self.parts.store.transaction() as session:
                row = await runtime.locked(session)
                await runtime.save(session, row, usual)
            runtime.apply(row)

    async def _house(self, caller: Caller, camera_id: str) -> None:
        """One row of every kind. What belongs to somebody is theirs once they are let in."""
        now, mark = self.parts.clock.now(), new_id()
        picture, film = f"photos/{mark}.jpg", f"clips/{mark}.mp4"
        await self.parts.objects.put(picture, self.photo)
        await self.parts.objects.put(film, b"film")
        camera = tables.Camera(name=f"Door {mark}", source="", kind="push", role="both", enabled=False)
        camera_id = camera_id or camera.id
        department = tables.Department(name=f"Lab {mark}")
        person, other = (tables.Person(full_name="Ada Lovelace", department_id=department.id) for _ in range(2))
        photo = tables.Photo(
            person_id=person.id, object_key=picture, portrait_key=picture, width=1, height=1, box=[0, 0, 1, 1],
            quality={"detection": 0.9, "sharpness": 0.9},
        )  # fmt: skip
        pack, embedding = self.parts.roster.pack, np.zeros(self.parts.roster.dimension, "<f4")
        embedding[0] = 1
        kept = self.parts.access.templates.seal(new_id(), person.id, embedding.tobytes())
        template = tables.Template(
            id=kept.template_id, person_id=person.id, photo_id=photo.id, pack=pack.name, pack_sha256=pack.sha256,
            dimension=len(embedding), key_id=kept.key_id, embedding=kept.embedding,
        )  # fmt: skip
        sighting = tables.Sighting(
            camera_id=camera_id, person_id=person.id, state="closed", started_at=now, last_seen_at=now, ended_at=now,
            similarity=0.7, box=[0.1, 0.1, 0.2, 0.2], snapshot_key=picture, face_key=picture,
        )  # fmt: skip
        unknown = [
            tables.Sighting(
                camera_id=camera_id, state="closed", started_at=now, last_seen_at=now, ended_at=now,
                snapshot_key=picture, face_key=picture,
            )
            for _ in range(2)
        ]  # fmt: skip
        visitors = [
            tables.Visitor(pack=pack.name, pack_sha256=pack.sha256, last_seen_at=now, embedding=embedding.tobytes())
            for _ in unknown
        ]
        unknown_faces = [
            tables.SightingFace(
                sighting_id=seen.id, visitor_id=visitor.id, quality=0.5, embedding=embedding.tobytes()
            )
            for seen, visitor in zip(unknown, visitors, strict=True)
        ]  # fmt: skip
        entry = tables.Entry(
            person_id=person.id, at=now, direction="in", origin="camera", camera_id=camera_id,
            sighting_id=sighting.id, snapshot_key=picture,
        )  # fmt: skip
        badge = self.parts.access.codes.digests("badge", mark)[0]
        expected = Expected.of(person, mark, now, badge, self.parts.access.webhooks)
        snapshot = tables.Snapshot(
            camera_id=camera_id, taken_at=now, origin="request", width=1, height=1, size_bytes=1, object_key=picture,
            thumbnail_key=picture,
        )  # fmt: skip
        clip = tables.Clip(
            camera_id=camera_id, sighting_id=sighting.id, started_at=now, duration_s=1, width=1, height=1,
            codec="h264", size_bytes=4, object_key=film,
        )  # fmt: skip
        square = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
        zone = tables.Zone(camera_id=camera_id, name=f"Zone {mark}", kind="count", points=square)
        kiosk = tables.Kiosk(name=f"Hall {mark}", camera_ids=[camera_id])
        alert = tables.Alert(
            kind=f"example_{mark}", severity="warning", subject=f"cameras/{camera_id}", message="Away."
        )
        job = tables.Job(
            kind="audit_export", state="done", run_at=now, finished_at=now, result={"rows": 1}, result_key=picture
        )
        role, unused = (
            tables.Role(name=f"{name} {mark}", permissions=["cameras:read"]) for name in ("Porter", "Guard")
        )
        user = tables.User(
            email=f"{mark}@example.com", full_name="Somebody Else", password_hash="", role_id=role.id,
            totp_secret="x", totp_confirmed_at=now, camera_ids=[camera_id], department_ids=[department.id],
        )  # fmt: skip
        levels: tuple[list[SQLModel], ...] = (
            [*([camera] if camera_id == camera.id else []), department, kiosk, alert, job, role, unused],
            [*expected.first],
            [person, other, user, snapshot, zone],
            [photo, sighting, *unknown, *visitors, *expected.then],
            [template, entry, clip, *unknown_faces],
            [expected.correction],
        )
        async with self.parts.store.transaction() as session:
            for rows in levels:
                session.add_all(rows)
                await session.flush()
            await evaluations.keep(session, MEASURED)
        caller.ids = {
            "camera_id": camera_id, "department_id": department.id, "person_id": person.id, "other_id": other.id,
            "photo_id": photo.id, "sighting_id": sighting.id, "entry_id": entry.id, "snapshot_id": snapshot.id,
            "clip_id": clip.id, "zone_id": zone.id, "kiosk_id": kiosk.id, "alert_id": alert.id, "job_id": job.id,
            "import_id": job.id, "entries_import_id": job.id, "role_id": unused.id, "user_id": user.id, "key": picture,
            "visitor_id": visitors[0].id, "other_visitor_id": visitors[1].id,
            **expected.ids,
        }  # fmt: skip
        caller.badge = mark
        caller.link = dict(parse_qsl(urlsplit(self.parts.links.link(picture)).query))

    async def _let_in(self, caller: Caller) -> None:
        owner_id = caller.ids["user_id"]
        if caller.who in (*ROLES, LIMITED, PROGRAM):
            owner_id = await self._sign_in(caller)
        if caller.who == PROGRAM:
            principal = await self._principal(caller)
            made = await self.parts.access.api_keys.create(principal, name="Payroll", permissions=PROGRAM_MAY)
            caller.token = made.key
        if caller.who == KIOSK:
            code = await self.parts.access.pairing_code(caller.ids["kiosk_id"])
            caller.token = (await self.parts.access.pair(code.code, ADDRESS)).token
        mark, now = new_id(), self.parts.clock.now()
        key = tables.ApiKey(
            name="Another", user_id=owner_id, prefix="rck_other", key_hash=mark, permissions=["cameras:read"]
        )
        elsewhere = tables.Session(user_id=owner_id, refresh_hash=mark, expires_at=now.replace(year=now.year + 1))
        async with self.parts.store.transaction() as session:
            session.add_all([key, elsewhere])
        caller.ids |= {"key_id": key.id, "session_id": elsewhere.id}

    async def _sign_in(self, caller: Caller) -> str:
        """Somebody new of that role. Returns their id."""
        limited = caller.who == LIMITED
        caller.email = f"{new_id()}@example.com"
        made = await self.parts.access.accounts.create(
            email=caller.email, full_name="Somebody New", password=PASSWORD,
            role=caller.who if caller.who in ROLES else "Admin",
            camera_ids=[caller.ids["camera_id"]] if limited else None,
            department_ids=[caller.ids["department_id"]] if limited else None,
        )  # fmt: skip
        signed_in = await self.parts.access.login(caller.email, PASSWORD, "", ADDRESS)
        caller.token, caller.refresh_token = signed_in.access_token, signed_in.refresh_token
        return made.id

    async def _principal(self, caller: Caller) -> Principal:
        return await self.parts.access.by_token(caller.token)

    async def begin_factor(self, caller: Caller, *, confirmed: bool) -> None:
        """A second factor of whoever has an account, and a code that is good for it."""
        if not caller.email or caller.who == PROGRAM:
            return
        principal, totp = await self._principal(caller), self.parts.access.totp
        begun = await totp.begin(principal, PASSWORD)
        caller.code = pyotp.TOTP(begun.secret).now()
        if confirmed:
            caller.code = (await totp.confirm(principal, caller.code))[0]

    async def open_session(self, caller: Caller, *, kind: str) -> None:
        """Watching or publishing, where they may."""
        url = f"{URL}/api/v1/cameras/{caller.ids['camera_id']}/{kind}"
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {caller.token}"}
        if kind == "whip":
            await self.free_tablet(caller)
        answer = await self.client.post(url, content=self.offers[kind], headers=headers)
        if answer.status_code == 201:
            caller.ids["session_id"] = answer.headers["Location"].rpartition("/")[2]

    async def make_pairing_code(self, caller: Caller) -> None:
        caller.code = (await self.parts.access.pairing_code(caller.ids["kiosk_id"])).code

    async def free_tablet(self, _caller: Caller) -> None:
        """Whoever published has left."""
        await self.parts.cameras.settle(self.tablet_camera, afresh=True)


# What an operation needs beside the rows.
PREPARED: dict[str, Callable[[Site, Caller], Awaitable[None]]] = {
    "POST /cameras/{camera_id}/whip": Site.free_tablet,
    "POST /auth/totp/confirm": partial(Site.begin_factor, confirmed=False),
    "DELETE /auth/totp": partial(Site.begin_factor, confirmed=True),
    "POST /kiosks/pair": Site.make_pairing_code,
    **{
        f"{method} /cameras/{{camera_id}}/{kind}/{{session_id}}": partial(Site.open_session, kind=kind)
        for method in ("PATCH", "DELETE")
        for kind in ("whep", "whip")
    },
}


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    """The site, in a thread of its own."""
    with (
        OnvifDevice() as device,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_site(portal, folder, device)) as site,
    ):
        yield site


@asynccontextmanager
async def _site(portal: BlockingPortal, folder: Path, device: OnvifDevice) -> AsyncIterator[Site]:
    film = write_film(folder / "film.mp4", frames=20, fps=5)
    # Nothing but this machine may be probed, so that an invented address is refused at once.
    media = {"roots": [folder], "allowed_networks": ["127.0.0.1/32"], "open_timeout_s": 1.0}
    async with (
        parts_in(
            folder / "state", media=media, jobs={"embedded": False}, inference={"frames_per_second": 0.2}
        ) as parts,
        running(parts),
        parts_in(folder / "unset", users=False) as unset,
        _client(parts) as client,
        _client(unset) as newcomer,
    ):
        offers = {"whep": await _offer("recvonly"), "whip": await _offer("sendonly")}
        site = Site(portal, parts, unset, client, newcomer, device, film, offers, enrolment_photo())
        token = (await parts.access.login("admin@example.com", PASSWORD, "", ADDRESS)).access_token
        client.headers["Authorization"] = f"Bearer {token}"
        site.film_camera = await _camera(client, "Film", kind="file", source=str(film))
        site.tablet_camera = await _camera(client, "Tablet", kind="push")
        async with asyncio.timeout(20):
            while (await client.get(f"/api/v1/cameras/{site.film_camera}/snapshot.jpg")).status_code != 200:  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.1)
        del client.headers["Authorization"]
        yield site


@asynccontextmanager
async def _client(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app(parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


async def _camera(client: httpx.AsyncClient, name: str, **form: str) -> str:
    answer = await client.post("/api/v1/cameras", json={"name": name, **form})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def _offer(direction: str) -> str:
    """What a browser offers."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        connection.addTransceiver("video", direction=direction)
        await connection.setLocalDescription(await connection.createOffer())
        return str(connection.localDescription.sdp)
    finally:
        await connection.close()
