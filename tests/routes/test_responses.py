"""Envelopes."""

import orjson
import pytest
from pydantic import BaseModel, Field, ValidationError

from server.routes.responses import Page, invalid_from, success
from server.store import paging


class Inner(BaseModel):
    ports: list[int] = Field(max_length=2)


class Outer(BaseModel):
    inner: Inner


def test_a_value_a_list_and_nothing() -> None:
    """`meta` only on lists; nothing is 204 without a body."""
    assert orjson.loads(success(Inner(ports=[1])).body) == {"success": True, "data": {"ports": [1]}}
    page = success(Page.cut(paging.Page(page=2, page_size=2), [Inner(ports=[n]) for n in range(3)]))
    assert orjson.loads(page.body) == {
        "success": True,
        "data": [{"ports": [2]}],
        "meta": {"page": 2, "pageSize": 2, "total": 3},
    }
    nothing = success(None)
    assert (nothing.status_code, nothing.body) == (204, b"")


def test_a_wrong_field_inside_of_another_has_its_path() -> None:
    """The place of a mistake is told with dots; the value is not repeated."""
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": {"ports": [1, "hunter2"]}})
    error = invalid_from(caught.value)
    assert [detail.field for detail in error.details] == ["inner.ports.1"]
    assert "hunter2" not in str(error.details)
