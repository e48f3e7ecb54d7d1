"""Who is asking, and what they may do."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """A user in a session of theirs, a program with an API key (`key_id`), or a paired kiosk (`kiosk_id`).

    Without a session there is no CSRF token, and what is about one's own account is refused.
    """

    user_id: str  # of a kiosk: its own id
    email: str
    full_name: str
    role: str
    permissions: frozenset[str]
    session_id: str | None
    expires_at: datetime | None
    kiosk_id: str | None = None
    camera_ids: frozenset[str] = frozenset()  # of a kiosk: the cameras whose picture it may show
    key_id: str | None = None
    key_hash: str = field(default="", repr=False)  # of the key that was shown: after a rotation it is another
    only_cameras: frozenset[str] | None = None  # None: all
    only_departments: frozenset[str] | None = None  # None: all
    must_change_password: bool = False
    key_expires_at: datetime | None = None  # of `key_id`: what it makes ends no later

    @property
    def id(self) -> str:
        return self.user_id

    @property
    def user(self) -> dict[str, object]:
        """As the client is told about itself."""
        return {
            "id": self.user_id,
            "email": self.email,
            "fullName": self.full_name,
            "role": self.role,
            "permissions": sorted(self.permissions),
        }

    @property
    def standing(self) -> tuple[object, ...]:
        """What somebody was let in as. A long connection ends when it is not the same any more."""
        return (
            self.user_id, self.role, self.permissions, self.only_cameras, self.only_departments,
            self.must_change_password, self.key_id, self.key_hash,
        )  # fmt: skip

    def sees_camera(self, camera_id: str | None) -> bool:
        """Whether a camera, or what was seen there, is within the limits of this user."""
        return self.only_cameras is None or camera_id in self.only_cameras

    def sees_department(self, department_id: str | None) -> bool:
        """Whether a person of that department is within the limits of this user."""
        return self.only_departments is None or department_id in self.only_departments

    @property
    def limited(self) -> bool:
        """To a part of the cameras, or of the departments."""
        return self.only_cameras is not None or self.only_departments is not None

    def may(self, permission: str) -> bool:
        return permission in self.permissions
