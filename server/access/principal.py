"""Who is asking, and what they may do."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """A user in a session of theirs, or a paired kiosk: then `kiosk_id` is set, and there is no session."""

    user_id: str  # of a kiosk: its own id
    email: str
    full_name: str
    role: str
    permissions: frozenset[str]
    session_id: str | None
    expires_at: datetime | None
    kiosk_id: str | None = None
    camera_ids: frozenset[str] = frozenset()  # of a kiosk: the cameras whose picture it may show

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

    def may(self, permission: str) -> bool:
        return permission in self.permissions
