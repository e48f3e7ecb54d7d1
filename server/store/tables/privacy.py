"""What people have agreed to, and what was erased of them."""

from datetime import datetime

from sqlalchemy import JSON
from sqlmodel import Field

from server.store.columns import Row, moment


class Consent(Row, table=True):
    """One statement of a person about the use of their face; the newest one counts, the older ones are kept."""

    __tablename__ = "consents"
    person_id: str = Field(foreign_key="people.id", index=True, ondelete="CASCADE")
    state: str = Field(max_length=10)  # given | refused | withdrawn
    text_version: str = Field(max_length=100)
    at: datetime = moment()
    how: str = Field(max_length=20)
    noted_by: str = Field(max_length=254)


class Erasure(Row, table=True):
    """The receipt of an erasure. It outlives the person, so their id points to nothing."""

    __tablename__ = "erasures"
    person_id: str = Field(index=True, max_length=36)
    scope: str = Field(max_length=10)  # biometrics | person
    state: str = Field(max_length=8, index=True)  # pending | done
    asked_by: str = Field(max_length=254)
    counts: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    left: list[str] = Field(default_factory=list, sa_type=JSON)  # keys of objects that are still to be removed
    finished_at: datetime | None = moment(default=None)
    sha256: str | None = Field(default=None, max_length=64)  # over the facts, once it is done
