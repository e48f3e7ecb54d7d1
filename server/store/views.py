"""What the API and the events show of a row: the same shape in both, so that an event replaces what a client holds."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from server.address import redact
from server.store.people import PersonSummary
from server.store.tables import Camera, Entry, Kiosk, Person, Photo, Sighting
from server.wire import Time, Wire

API = "/api/v1"


def _versioned(url: str, key: str | None) -> str | None:
    """None without a picture. Another picture has another URL, so that no browser shows the old one."""
    return f"{url}?v={crc32(key.encode()):08x}" if key else None


class CameraStatus(Wire):
    """The state of a camera's stream. `reason` is a code, `explanation` a sentence for people."""

    state: str
    reason: str | None = None
    explanation: str | None = None
    since: Time
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    fps: float = 0.0
    latency_ms: float = 0.0
    dropped: int = 0


class CameraPublic(Wire):
    id: str
    name: str
    source: str
    kind: str
    role: str
    enabled: bool
    status: CameraStatus
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Camera, status: CameraStatus) -> "CameraPublic":
        """`source` without its password."""
        return cls(
            id=row.id, name=row.name, source=redact(row.source), kind=row.kind, role=row.role, enabled=row.enabled,
            status=status, created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class PersonBrief(Wire):
    """A person inside something else."""

    id: str
    full_name: str
    employee_id: str | None = None
    photo_url: str | None = None

    @classmethod
    def of(cls, row: Person) -> "PersonBrief":
        return cls(
            id=row.id,
            full_name=row.full_name,
            employee_id=row.employee_id,
            photo_url=f"{API}/people/{row.id}/portrait.jpg",
        )


class PersonPublic(Wire):
    id: str
    full_name: str
    employee_id: str | None
    email: str | None
    department_id: str | None
    department_name: str | None
    external_ids: Mapping[str, str]
    active: bool
    photo_count: int
    photo_url: str | None
    last_seen_at: Time | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, summary: PersonSummary) -> "PersonPublic":
        row = summary.person
        return cls(
            id=row.id, full_name=row.full_name, employee_id=row.employee_id, email=row.email,
            department_id=row.department_id, department_name=summary.department_name, external_ids=row.external_ids,
            active=row.active, photo_count=summary.photo_count,
            photo_url=f"{API}/people/{row.id}/portrait.jpg?v={summary.photo_id}" if summary.photo_id else None,
            last_seen_at=summary.last_seen_at, created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class PhotoPublic(Wire):
    id: str
    person_id: str
    url: str
    width: int
    height: int
    box: list[float]
    quality: Mapping[str, Any]
    warnings: list[dict[str, Any]]
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Photo) -> "PhotoPublic":
        return cls(
            id=row.id, person_id=row.person_id, url=f"{API}/people/{row.person_id}/photos/{row.id}/image.jpg",
            width=row.width, height=row.height, box=row.box, quality=row.quality, warnings=row.warnings,
            created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class SightingPublic(Wire):
    id: str
    camera_id: str | None
    camera_name: str | None
    person_id: str | None
    person: PersonBrief | None
    state: str
    started_at: Time
    last_seen_at: Time
    ended_at: Time | None
    similarity: float | None
    margin: float | None
    threshold: float | None
    votes: int
    liveness: float | None
    pack: str
    box: list[float]
    snapshot_url: str | None
    face_url: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Sighting, person: Person | None, camera_name: str | None) -> "SightingPublic":
        here = f"{API}/sightings/{row.id}"
        return cls(
            id=row.id, camera_id=row.camera_id, camera_name=camera_name, person_id=row.person_id,
            person=PersonBrief.of(person) if person else None, state=row.state, started_at=row.started_at,
            last_seen_at=row.last_seen_at, ended_at=row.ended_at, similarity=row.similarity, margin=row.margin,
            threshold=row.threshold, votes=row.votes, liveness=row.liveness, pack=row.pack, box=row.box,
            snapshot_url=_versioned(f"{here}/snapshot.jpg", row.snapshot_key),
            face_url=_versioned(f"{here}/face.jpg", row.face_key),
            created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class EntryPublic(Wire):
    """A check-in or check-out; the same shape is the data of the attendance events, where the id is `entryId`."""

    id: str
    entry_id: str
    person: PersonBrief
    person_id: str
    direction: str
    at: Time
    origin: str
    camera_id: str | None
    camera_name: str | None
    kiosk_id: str | None = None
    sighting_id: str | None
    similarity: float | None
    margin: float | None
    pack: str
    shift: str | None = None
    late_minutes: int | None = None
    snapshot_url: str | None
    reason: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Entry, person: Person, camera_name: str | None) -> "EntryPublic":
        return cls(
            id=row.id, entry_id=row.id, person=PersonBrief.of(person), person_id=row.person_id, direction=row.direction,
            at=row.at, origin=row.origin, camera_id=row.camera_id, camera_name=camera_name, sighting_id=row.sighting_id,
            similarity=row.similarity, margin=row.margin, pack=row.pack,
            snapshot_url=_versioned(f"{API}/sightings/{row.sighting_id}/snapshot.jpg", row.snapshot_key)
            if row.sighting_id
            else None,
            reason=row.reason, created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class KioskPublic(Wire):
    id: str
    name: str
    camera_ids: list[str]
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Kiosk) -> "KioskPublic":
        return cls.model_validate(row)
