"""Users, their sessions and keys, and the audit."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary
from sqlmodel import Field, SQLModel

from server.ids import new_id
from server.store.columns import Row, moment


class Role(Row, table=True):
    __tablename__ = "roles"
    name: str = Field(unique=True, max_length=64)
    permissions: list[str] = Field(default_factory=list, sa_type=JSON)
    builtin: bool = False


class User(Row, table=True):
    __tablename__ = "users"
    email: str = Field(unique=True, max_length=254)  # stored in lower case
    full_name: str = Field(max_length=200)
    password_hash: str = Field(max_length=255)
    role_id: str = Field(foreign_key="roles.id", index=True)
    active: bool = True
    last_login_at: datetime | None = moment(default=None)
    must_change_password: bool = False
    totp_secret: str | None = Field(default=None, max_length=400)  # encrypted
    totp_confirmed_at: datetime | None = moment(default=None)
    totp_last_step: int | None = None  # a code is good once
    recovery_hashes: list[str] = Field(default_factory=list, sa_type=JSON)
    camera_ids: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # None: all
    department_ids: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # None: all
    preferences: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    preferences_at: datetime | None = moment(default=None)


class Session(Row, table=True):
    """One signing-in: a browser or a program. Its refresh tokens are one family."""

    __tablename__ = "sessions"
    user_id: str = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    refresh_hash: str = Field(max_length=64, index=True)
    previous_refresh_hash: str | None = Field(default=None, max_length=64)
    cookie_hash: str | None = Field(default=None, max_length=64, index=True)
    rotated_at: datetime | None = moment(default=None)
    expires_at: datetime = moment(index=True)
    ended_at: datetime | None = moment(default=None, index=True)
    end_reason: str | None = Field(default=None, max_length=64)
    user_agent: str = Field(default="", max_length=400)
    address: str = Field(default="", max_length=64)
    last_used_at: datetime | None = moment(default=None)


class ApiKey(Row, table=True):
    """A program's own way in. What it may do is also bounded by what its owner may do now."""

    __tablename__ = "api_keys"
    name: str = Field(max_length=200)
    user_id: str = Field(foreign_key="users.id", index=True, ondelete="CASCADE")
    prefix: str = Field(max_length=16)  # tells keys apart in a list
    key_hash: str = Field(unique=True, max_length=64)
    permissions: list[str] = Field(default_factory=list, sa_type=JSON)
    expires_at: datetime | None = moment(default=None)
    last_used_at: datetime | None = moment(default=None)
    last_address: str = Field(default="", max_length=64)


class OneTimeCode(SQLModel, table=True):
    """Something good once and for a short time: a WebSocket ticket, a kiosk's pairing code."""

    __tablename__ = "one_time_codes"
    code_hash: str = Field(primary_key=True, max_length=64)
    purpose: str = Field(max_length=16, index=True)
    subject: dict[str, Any] = Field(sa_type=JSON)
    expires_at: datetime = moment(index=True)


class Attempt(SQLModel, table=True):
    """One try at something that is throttled, such as a password."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_key_at", "key", "at"),)
    id: str = Field(default_factory=new_id, primary_key=True, max_length=36)
    key: str = Field(max_length=300)
    at: datetime = moment(index=True)


class IdempotentAnswer(SQLModel, table=True):
    """What was answered to a creation with an Idempotency-Key; `answer` is null while it is being made."""

    __tablename__ = "idempotent_answers"
    key_hash: str = Field(primary_key=True, max_length=64)  # of who, where and the key
    request_hash: str = Field(max_length=64)
    answer: bytes | None = Field(default=None, sa_type=LargeBinary)  # encrypted: it may hold an API key
    created_at: datetime = moment(index=True)


class AuditRow(SQLModel, table=True):
    """Who did what to which row. Append-only, by triggers; `hash` covers the row and the hash before it.

    Of one from which the names of an erased person were taken, `redacted` covers what is left.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_resource_resource_id", "resource", "resource_id"),)
    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    id: str = Field(default_factory=new_id, unique=True, max_length=36)
    at: datetime = moment(index=True)
    actor_kind: str = Field(max_length=10)  # user | key | kiosk | system | nobody
    actor_id: str | None = Field(default=None, max_length=36, index=True)
    actor_name: str = Field(max_length=254, index=True)  # stays readable when the user is gone
    action: str = Field(max_length=64, index=True)
    resource: str = Field(max_length=32)
    resource_id: str | None = Field(default=None, max_length=64)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    after: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    address: str = Field(default="", max_length=64)
    user_agent: str = Field(default="", max_length=400)
    request_id: str = Field(default="", max_length=64)
    key_id: str = Field(max_length=16)
    hash: str = Field(max_length=64)
    redacted: str | None = Field(default=None, max_length=100)


class AuditChain(SQLModel, table=True):
    """The ends of the chain: its head, and what retention has cut off. One row, id 1; locked while one appends."""

    __tablename__ = "audit_chain"
    id: int = Field(default=1, primary_key=True)
    head: int = Field(default=0, sa_type=BigInteger)
    head_hash: str = Field(default="", max_length=64)
    cut: int = Field(default=0, sa_type=BigInteger)  # rows up to this one were removed by retention
    cut_hash: str = Field(default="", max_length=64)
    seal: str = Field(default="", max_length=100)  # over the four of them, with a key that is not in the database
