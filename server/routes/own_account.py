"""What users do with their own account: the password, where they are signed in, and their preferences."""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import Field, field_validator, model_validator

from server.routes.endpoint import SIGNED_IN, Call, Endpoint, Query, endpoint
from server.routes.responses import Page
from server.store import own_account, sessions
from server.wire import Form, Password, Time, Wire

MAX_BYTES = 8192
MAX_DEPTH = 16


class PasswordForm(Form):
    current_password: Password = Field(min_length=1, max_length=1024)
    new_password: Password = Field(
        min_length=1, max_length=1024, description="12 characters or more, and no common one"
    )


class SessionPublic(Wire):
    id: str
    user_agent: str
    address: str
    current: bool = Field(description="the one that asks")
    last_used_at: Time | None
    expires_at: Time = Field(description="when it ends if nobody comes back")
    created_at: Time
    updated_at: Time


class Preferences(Form):
    """What is not given has no preference."""

    theme: Literal["system", "light", "dark"] | None = None
    language: str | None = Field(
        None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35, description="such as en or pt-BR"
    )
    timezone: str | None = Field(None, max_length=64, description="such as Europe/Berlin")
    ui: dict[str, Any] = Field(default_factory=dict, description="whatever a front end keeps; 8 KB with all the rest")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        try:
            return None if value is None else ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is not an IANA time zone such as Europe/Berlin") from error

    @field_validator("ui")
    @classmethod
    def _not_too_deep(cls, value: dict[str, Any]) -> dict[str, Any]:
        level: list[Any] = [value]
        for _ in range(MAX_DEPTH):
            level = [inner for one in level for inner in _inside(one)]
        if level:
            raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
        return value

    @model_validator(mode="after")
    def _not_too_large(self) -> "Preferences":
        if len(orjson.dumps(self.as_json())) > MAX_BYTES:
            raise ValueError(f"Preferences have at most {MAX_BYTES} bytes of JSON.")
        return self


@endpoint(
    "POST", "/auth/change-password", allow=SIGNED_IN, status=204, raises=(429,), own_account=True,
    before_password_change=True,
)  # fmt: skip
async def change_password(call: Call, body: PasswordForm) -> None:
    """Changes the own password and ends every other session of this user."""
    await call.parts.access.change_password(call.who, body.current_password, body.new_password, call.actor)
    call.parts.hub.revoked()


@endpoint("GET", "/auth/sessions", allow=SIGNED_IN, own_account=True, before_password_change=True, sorts=sessions.SORTS)
async def list_sessions(call: Call, query: Query) -> Page[SessionPublic]:
    """Where this user is signed in."""
    found = await call.parts.access.sessions(call.who, query.wanted)
    return Page.of(query.wanted, [SessionPublic.model_validate(one) for one in found.rows], found.total)


@endpoint(
    "DELETE", "/auth/sessions/{session_id}", allow=SIGNED_IN, status=204, own_account=True,
    before_password_change=True,
)  # fmt: skip
async def end_session(call: Call, session_id: str) -> None:
    """Ends one of the own sessions, at once, everywhere it is in use."""
    await call.parts.access.end_session(call.who, session_id, call.actor, unchanged=call.unchanged)
    call.parts.hub.revoked()


class PreferencesPublic(Wire):
    theme: Literal["system", "light", "dark"] | None
    language: str | None
    timezone: str | None
    ui: dict[str, Any]
    updated_at: Time

    @classmethod
    def of(cls, value: dict[str, Any], changed_at: datetime) -> "PreferencesPublic":
        return cls.model_validate(Preferences.model_validate(value).model_dump() | {"updated_at": changed_at})


@endpoint("GET", "/auth/preferences", allow=SIGNED_IN, own_account=True)
async def get_preferences(call: Call) -> PreferencesPublic:
    """What this user has set for themselves."""
    async with call.parts.store.read() as session:
        return PreferencesPublic.of(*await own_account.preferences(session, call.who.user_id))


@endpoint("PUT", "/auth/preferences", allow=SIGNED_IN, own_account=True)
async def set_preferences(call: Call, body: Preferences) -> PreferencesPublic:
    """All of them at once."""
    value, now = body.as_json(), call.parts.clock.now()
    async with call.parts.store.transaction() as session:
        _, changed_at = await own_account.preferences(session, call.who.user_id, lock=True)
        call.check_unchanged(changed_at)
        await own_account.save_preferences(session, call.who.user_id, value, now)
    return PreferencesPublic.of(value, now)


def _inside(one: Any) -> list[Any]:
    """What a value contains, if it can contain something."""
    inner = list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else []
    return [value for value in inner if isinstance(value, dict | list)]


ENDPOINTS: tuple[Endpoint, ...] = (change_password, list_sessions, end_session, get_preferences, set_preferences)
