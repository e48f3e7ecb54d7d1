"""What is told about users, their roles and their sessions."""

from dataclasses import dataclass
from datetime import datetime

from server.store.tables import Role, Session
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
    must_change_password: bool
    totp_enabled: bool
    camera_ids: tuple[str, ...] | None  # None: all
    department_ids: tuple[str, ...] | None  # None: all
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
            must_change_password=user.must_change_password,
            totp_enabled=user.totp_confirmed_at is not None,
            camera_ids=None if user.camera_ids is None else tuple(user.camera_ids),
            department_ids=None if user.department_ids is None else tuple(user.department_ids),
            last_login_at=user.last_login_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
        )


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role, and how many users have it."""

    id: str
    name: str
    builtin: bool
    permissions: tuple[str, ...]
    users: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, role: Role, users: int) -> "RoleView":
        return cls(
            id=role.id,
            name=role.name,
            builtin=role.builtin,
            permissions=tuple(sorted(role.permissions)),
            users=users,
            created_at=role.created_at,
            updated_at=role.updated_at,
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
