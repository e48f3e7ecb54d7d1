"""What is told about users and their sessions."""

from dataclasses import dataclass
from datetime import datetime

from server.store.tables import Session
from server.store.users import Account


@dataclass(frozen=True, slots=True)
class UserView:
    """A user, without anything secret."""

    id: str
    email: str
    full_name: str
    role: str
    active: bool
    permissions: tuple[str, ...]
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, account: Account) -> "UserView":
        user, role = account.user, account.role
        return cls(
            id=user.id,
            email=user.email,
            full_name=user.full_name,
            role=role.name,
            active=user.active,
            permissions=tuple(sorted(role.permissions)),
            last_login_at=user.last_login_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


@dataclass(frozen=True, slots=True)
class SessionView:
    """A signing-in that still holds. `current`: the one that asks."""

    id: str
    user_agent: str
    address: str
    current: bool
    last_used_at: datetime | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Session, current_id: str | None) -> "SessionView":
        return cls(
            id=row.id,
            user_agent=row.user_agent,
            address=row.address,
            current=row.id == current_id,
            last_used_at=row.last_used_at,
            expires_at=row.expires_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The answer to a login or a refresh. `cookie` is for browsers, at a login only."""

    access_token: str
    refresh_token: str
    expires_in: int
    user: UserView
    session_id: str
    cookie: str | None = None
    cookie_max_age_s: int = 0
    token_type: str = "Bearer"


@dataclass(frozen=True, slots=True)
class PairedKiosk:
    """The answer to a good pairing code."""

    token: str
    kiosk_id: str
    name: str
    camera_ids: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
