"""Single values of a query: in their limits, or refused by name."""

from typing import cast

import pytest
from starlette.requests import Request

from server.errors import BadRequest
from server.parts import Parts
from server.routes.asked import Flag, Number
from server.routes.call import Call

WIDTH = Number("width", "how wide", 640, 16, 3840)
ANNOTATED = Flag("annotated", "with boxes")


def call(query: str = "") -> Call:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": []}
    return Call(Request(scope), cast(Parts, None), None)


def test_a_number_is_in_its_range() -> None:
    """The default where it is left out; both ends count."""
    assert [WIDTH.of(call(query)) for query in ("", "width=16", "width=3840")] == [640, 16, 3840]


def test_a_flag_is_yes_or_no() -> None:
    """No where it is left out."""
    assert [ANNOTATED.of(call(query)) for query in ("", "annotated=false", "annotated=true")] == [False, False, True]


@pytest.mark.parametrize("given", ["15", "3841", "x", "-20", "", "1e2", "9" * 5000])
def test_anything_else_is_refused_by_name(given: str) -> None:
    """With a code that tells which one, however long it is."""
    with pytest.raises(BadRequest) as caught:
        WIDTH.of(call(f"width={given}"))
    assert caught.value.code == "bad_width"
    with pytest.raises(BadRequest) as refused:
        ANNOTATED.of(call(f"annotated={given}"))
    assert refused.value.code == "bad_annotated"


def test_the_description_has_the_limits() -> None:
    """So that a client made from it keeps to them."""
    assert WIDTH.schema == {"type": "integer", "minimum": 16, "maximum": 3840, "default": 640}
    assert ANNOTATED.schema == {"type": "boolean", "default": False}
