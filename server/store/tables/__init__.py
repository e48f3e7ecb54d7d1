"""The tables. Forms and views of the API live with their routes; rows never cross the wire as they are."""

from server.store.tables.access import (
    ApiKey,
    Attempt,
    AuditChain,
    AuditRow,
    IdempotentAnswer,
    OneTimeCode,
    Role,
    Session,
    User,
)
from server.store.tables.attendance import Correction, Entry, Kiosk
from server.store.tables.cameras import Camera, Clip, Snapshot, Zone
from server.store.tables.outbound import Delivery, DeliveryTry, Webhook
from server.store.tables.people import Credential, Department, Person, Photo, Sighting, Template
from server.store.tables.privacy import Consent, Erasure
from server.store.tables.reports import Report, ReportRun
from server.store.tables.system import Alert, EventRow, EventTopic, Job, LogLife, Setting
from server.store.tables.terminals import Terminal, TerminalLine
from server.store.tables.visitors import RefusedView, SightingFace, Visitor
from server.store.tables.working_time import DayLock, FrozenDay, Holiday, Leave, Schedule, Shift, Site

__all__ = [
    "Alert",
    "ApiKey",
    "Attempt",
    "AuditChain",
    "AuditRow",
    "Camera",
    "Clip",
    "Consent",
    "Correction",
    "Credential",
    "DayLock",
    "Delivery",
    "DeliveryTry",
    "Department",
    "Entry",
    "Erasure",
    "EventRow",
    "EventTopic",
    "FrozenDay",
    "Holiday",
    "IdempotentAnswer",
    "Job",
    "Kiosk",
    "Leave",
    "LogLife",
    "OneTimeCode",
    "Person",
    "Photo",
    "RefusedView",
    "Report",
    "ReportRun",
    "Role",
    "Schedule",
    "Session",
    "Setting",
    "Shift",
    "Sighting",
    "SightingFace",
    "Site",
    "Snapshot",
    "Template",
    "Terminal",
    "TerminalLine",
    "User",
    "Visitor",
    "Webhook",
    "Zone",
]
