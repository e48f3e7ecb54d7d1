"""The wire: camelCase, times in UTC, unknown fields refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from server.wire import Form, Time, Wire


class Sample(Wire):
    full_name: str
    last_seen_at: Time


class SampleForm(Form):
    full_name: str


def test_names_are_camel_case_and_times_utc() -> None:
    """A time of any zone leaves in UTC with a Z."""
    at = datetime(2026, 1, 5, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    assert Sample(full_name="Ada", last_seen_at=at).as_json() == {
        "fullName": "Ada",
        "lastSeenAt": "2026-01-05T08:30:00.000Z",
    }
    assert Sample(full_name="Ada", last_seen_at=datetime(2026, 1, 5, tzinfo=UTC)).as_json()["fullName"] == "Ada"


def test_unknown_fields_are_refused_by_name() -> None:
    """A typing error in a field's name is told, not swallowed."""
    with pytest.raises(ValidationError) as caught:
        SampleForm.model_validate({"fullName": " Ada ", "ful_name": "x"})
    assert caught.value.errors()[0]["loc"] == ("ful_name",)
    assert SampleForm.model_validate({"fullName": " Ada "}).full_name == "Ada"
