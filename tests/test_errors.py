"""The error tree: each error has its code, and its status by ancestry."""

import pytest

from server import errors
from server.errors import Invalid, NotFound, PhotoRefused, RollcallError, TooMany
from server.routes.responses import STATUS, status_of

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RollcallError)]


def test_codes_are_stable_and_distinct() -> None:
    """No two errors share a code."""
    codes = [kind.code for kind in ALL]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadRequest("x"), 400),
        (errors.NotAuthenticated("x"), 401),
        (errors.Forbidden("x"), 403),
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.StillAtWork("x"), 409),
        (errors.EditedMeanwhile("x"), 412),
        (errors.OutOfRange("x"), 416),
        (errors.TooLarge("x"), 413),
        (errors.UnsupportedMedia("x"), 415),
        (errors.Invalid("x"), 422),
        (errors.PhotoRefused("x", code="no_face"), 422),
        (errors.TooMany("x", retry_after_s=3), 429),
        (errors.Unavailable("x"), 503),
        (errors.SourceFailed("x"), 503),
        (errors.PackRefused("x"), 500),
        (errors.RollcallError("x"), 500),
    ],
)
def test_status_of_each_error(error: RollcallError, status: int) -> None:
    """The contract's statuses; a kind without a row takes that of its nearest ancestor."""
    assert status_of(error) == status


def test_the_table_covers_every_error() -> None:
    """Every error of the tree has a row or an ancestor with one that is not the root, but those of inner rooms."""
    assert {kind for kind in ALL if status_of(_made(kind)) == 500} <= {RollcallError, errors.PackRefused}
    assert set(STATUS) <= set(ALL)


def _made(kind: type[RollcallError]) -> RollcallError:
    return TooMany("x", retry_after_s=1) if kind is TooMany else kind("x")


def test_a_field_is_named_with_its_reason() -> None:
    """An invalid field carries name, code and sentence."""
    error = Invalid.field("source", "not_allowed", "Not there.")
    assert (error.details[0].field, error.details[0].code, error.message) == ("source", "not_allowed", "Not there.")
    assert NotFound.of("camera").code == "camera_not_found"
    assert PhotoRefused("x", code="no_face").code == "no_face"
