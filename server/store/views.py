"""What the API and the events show of a row: the same shape in both, so that an event replaces what a client holds."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any
from zlib import crc32

from pydantic import Field

from server.address import redact
from server.store.people import Enrolment, PersonSummary
from server.store.tables import Camera, Entry, Kiosk, Person, Photo, Sighting
from server.wire import Form, Time, Wire

API = "/api/v1"
A_BAR = {
    "base": 0.545, "people": 50, "raised": 0.04, "raisedFor": "one_poor_photo", "refusedSimilarity": None,
    "threshold": 0.585, "weights": [0.81, 0.9, 0.77],
}  # fmt: skip
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


def _versioned(url: str, key: str | None) -> str | None:
    """None without a picture. Another picture has another URL, so that no browser shows the old one."""
    return f"{url}?v={crc32(key.encode()):08x}" if key else None


def _for_reader(warning: dict[str, Any], known: Collection[str] | None) -> dict[str, Any]:
    """A warning that names somebody of whom the reader may not hear says so without the name."""
    if known is None or "personId" not in warning or warning["personId"] in known:
        return warning
    message = "This face is very like that of somebody outside of your departments."
    return {"code": warning["code"], "message": message, "similarity": warning.get("similarity")}


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
    bitrate_kbps: float | None = None
    latency_ms: float = 0.0
    dropped: int = 0


class AnalysisHours(Form):
    """When faces are looked for, on days of the week (1 is Monday); what ends before it starts goes over midnight."""

    days: list[Annotated[int, Field(ge=1, le=7)]] = Field(min_length=1, max_length=7)
    start: str = Field(pattern=CLOCK, examples=["07:00"])
    end: str = Field(pattern=CLOCK, examples=["18:30"])


class CameraPublic(Wire):
    id: str
    name: str
    source: str
    sub_source: str
    kind: str
    role: str
    enabled: bool
    snapshot_every_s: int
    clips: bool
    analysis: str
    analysis_hours: list[AnalysisHours]
    liveness: str | None = Field(description="off, warn or refuse; null: as the site's setting says")
    site_id: str | None
    status: CameraStatus
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Camera, status: CameraStatus) -> "CameraPublic":
        """The addresses without their passwords."""
        return cls(
            id=row.id, name=row.name, source=redact(row.source), sub_source=redact(row.sub_source), kind=row.kind,
            role=row.role, enabled=row.enabled, snapshot_every_s=row.snapshot_every_s, clips=row.clips,
            analysis=row.analysis, analysis_hours=[AnalysisHours.model_validate(one) for one in row.analysis_hours],
            liveness=row.liveness, site_id=row.site_id, status=status, created_at=row.created_at,
            updated_at=row.updated_at,
        )  # fmt: skip


class PersonBrief(Wire):
    """A person inside something else."""

    id: str
    full_name: str
    employee_id: str | None = None
    department_id: str | None = None
    photo_url: str | None = None

    @classmethod
    def of(cls, row: Person) -> "PersonBrief":
        return cls(
            id=row.id,
            full_name=row.full_name,
            employee_id=row.employee_id,
            department_id=row.department_id,
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
    site_id: str | None
    timezone: str | None
    active: bool
    photo_count: int
    enrolment: Enrolment = Field(description="without a photo, with fewer than are wanted, or with all")
    photo_url: str | None
    last_seen_at: Time | None
    consent: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, summary: PersonSummary) -> "PersonPublic":
        row = summary.person
        return cls(
            id=row.id, full_name=row.full_name, employee_id=row.employee_id, email=row.email,
            department_id=row.department_id, department_name=summary.department_name, external_ids=row.external_ids,
            site_id=row.site_id, timezone=row.timezone, active=row.active,
            photo_count=summary.photo_count, enrolment=summary.enrolment,
            photo_url=f"{API}/people/{row.id}/portrait.jpg?v={summary.photo_id}" if summary.photo_id else None,
            last_seen_at=summary.last_seen_at, consent=summary.consent, created_at=row.created_at,
            updated_at=row.updated_at,
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
    def of(cls, row: Photo, known: Collection[str] | None = None) -> "PhotoPublic":
        """`known`: of whom the reader may hear in the warnings; None: of everybody."""
        return cls(
            id=row.id, person_id=row.person_id, url=f"{API}/people/{row.person_id}/photos/{row.id}/image.jpg",
            width=row.width, height=row.height, box=row.box, quality=row.quality,
            warnings=[_for_reader(one, known) for one in row.warnings],
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
    liveness: float | None = Field(description="0…1; null where nobody asks, or while it is not known")
    liveness_verdict: str | None = Field(
        description="live; flat (a picture that was moved); spoof; failed (asked at a kiosk, not done); null: not known"
    )
    refusal: str | None = Field(description="why it made no entry: flat, spoof or not_shown_live")
    pack: str
    box: list[float]
    direction: str | None = Field(description="in which it passed a line or entered a zone of the camera")
    evidence: dict[str, Any] | None = Field(
        None, description="what the threshold is made of, and what the votes weighed", examples=[A_BAR]
    )
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
            threshold=row.threshold, votes=row.votes, liveness=row.liveness, liveness_verdict=row.liveness_verdict,
            refusal=row.refusal, pack=row.pack, box=row.box, direction=row.direction, evidence=row.evidence,
            snapshot_url=_versioned(f"{here}/snapshot.jpg", row.snapshot_key),
            face_url=_versioned(f"{here}/face.jpg", row.face_key),
            created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class EntrySaid(Wire):
    """What an entry says, or said before it was corrected."""

    person_id: str
    at: Time
    direction: str


class ShiftBrief(Wire):
    """The shift that somebody is in, as moments."""

    id: str
    name: str
    start: Time
    end: Time


class EntryPublic(Wire):
    """A check-in or check-out; the same shape is the data of the attendance events, where the id is `entryId`."""

    id: str
    entry_id: str
    person: PersonBrief | None = Field(description="null once they are erased")
    person_id: str | None
    pseudonym: str | None = Field(None, description="holds together the entries of somebody who was erased")
    department_id: str | None = Field(None, description="of somebody who was erased")
    direction: str
    at: Time
    origin: str
    state: str
    original: EntrySaid | None
    camera_id: str | None
    camera_name: str | None
    kiosk_id: str | None = None
    terminal_id: str | None = None
    device_at: Time | None
    device_offset_ms: int | None
    sighting_id: str | None
    similarity: float | None
    margin: float | None
    pack: str
    shift: ShiftBrief | None = Field(None, description="in events of the moment; lists of days have the rest")
    late_minutes: int | None = None
    snapshot_url: str | None
    reason: str | None
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Entry, person: Person | None, camera_name: str | None) -> "EntryPublic":
        return cls(
            id=row.id, entry_id=row.id, person=PersonBrief.of(person) if person else None, person_id=row.person_id,
            pseudonym=row.pseudonym, department_id=row.department_id, direction=row.direction, at=row.at,
            origin=row.origin, state=row.state,
            original=EntrySaid.model_validate(row.original) if row.original else None,
            camera_id=row.camera_id, camera_name=camera_name, kiosk_id=row.kiosk_id,
            terminal_id=row.terminal_id, device_at=row.device_at, device_offset_ms=row.device_offset_ms,
            sighting_id=row.sighting_id, similarity=row.similarity, margin=row.margin, pack=row.pack,
            snapshot_url=_versioned(f"{API}/sightings/{row.sighting_id}/snapshot.jpg", row.snapshot_key)
            if row.sighting_id
            else None,
            reason=row.reason, created_at=row.created_at, updated_at=row.updated_at,
        )  # fmt: skip


class RefusedPublic(Wire):
    """A check-in that was not made: the data of `attendance.refused`."""

    reason: str
    person: PersonBrief
    at: Time
    camera_id: str | None
    camera_name: str | None
    sighting_id: str
    similarity: float | None
    liveness: float | None
    snapshot_url: str | None

    @classmethod
    def of(cls, row: Sighting, person: Person, camera_name: str, reason: str, at: datetime) -> "RefusedPublic":
        return cls(
            reason=reason, person=PersonBrief.of(person), at=at, camera_id=row.camera_id, camera_name=camera_name,
            sighting_id=row.id, similarity=row.similarity, liveness=row.liveness,
            snapshot_url=_versioned(f"{API}/sightings/{row.id}/snapshot.jpg", row.snapshot_key),
        )  # fmt: skip


class KioskPublic(Wire):
    id: str
    name: str
    camera_ids: list[str]
    site_id: str | None
    role: str = Field(description="in, out or both: what a code or a badge means here")
    means: list[str] = Field(description="what one may check in with: face, pin, badge")
    language: str | None = Field(description="with which its screen begins; null: that of the browser")
    time_zone: str | None = Field(description="of its clock; null: that of the settings")
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, row: Kiosk) -> "KioskPublic":
        return cls.model_validate(row)
