"""Receivers of events in other systems, what was sent to them, and each try of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from server.store.columns import Row, moment


class Webhook(Row, table=True):
    """Somebody elsewhere who is told. The address, the secrets and the login are sealed together."""

    __tablename__ = "webhooks"
    name: str = Field(unique=True, max_length=200)
    kind: str = Field(max_length=10)  # standard | frappe
    url: str = Field(max_length=2048)  # as it may be shown
    types: list[str] = Field(sa_type=JSON)
    camera_ids: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # None: all
    department_ids: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))  # None: all
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # of its kind
    active: bool = True
    disabled_reason: str | None = Field(default=None, max_length=20)
    key_id: str = Field(default="", max_length=12)
    sealed: str = Field(default="", max_length=16384)
    previous_until: datetime | None = moment(default=None)  # so long the secret before the present one counts too
    # What the one who delivers keeps here. None of it is an edit.
    epoch: str = Field(default="", max_length=36)
    cursor: dict[str, int] = Field(default_factory=dict, sa_type=JSON)  # of each topic, what was turned to deliveries
    failures: int = 0  # one after another
    resumes_at: datetime | None = moment(default=None)  # nothing is sent before
    worker: str | None = Field(default=None, max_length=100)
    lease_until: datetime | None = moment(default=None)
    served_at: datetime | None = moment(default=None)  # when its turn was last


class Delivery(Row, table=True):
    """One event on its way to one receiver. What the event says is read again from the log for each try."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "message_id", name="uq_deliveries_webhook_id_message_id"),
        Index("ix_deliveries_webhook_id_state_next_at", "webhook_id", "state", "next_at"),
    )
    webhook_id: str = Field(foreign_key="webhooks.id", ondelete="CASCADE")
    message_id: str = Field(max_length=36)  # of the event, or of the test: the same for every try
    type: str = Field(max_length=64)
    topic: str = Field(default="", max_length=100)  # "": a test
    epoch: str = Field(default="", max_length=36)
    offset: int = Field(default=0, sa_type=BigInteger)
    person_id: str | None = Field(default=None, index=True, max_length=36)  # whom it tells of
    state: str = Field(max_length=10)  # pending | delivered | dead
    result: str | None = Field(default=None, max_length=40)  # what the receiver made of it, or why it is dead
    tries: int = 0
    next_at: datetime = moment()
    give_up_at: datetime = moment()
    finished_at: datetime | None = moment(default=None, index=True)


class DeliveryTry(Row, table=True):
    """One request and what came back."""

    __tablename__ = "delivery_tries"
    delivery_id: str = Field(foreign_key="deliveries.id", index=True, ondelete="CASCADE")
    at: datetime = moment()
    status: int | None = None  # of HTTP; None: there was no answer
    duration_ms: int = 0
    reason: str = Field(max_length=40)
    answer: str = Field(default="", max_length=500)  # how it begins
