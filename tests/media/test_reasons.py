"""server/media/reasons.py: one code and one sentence for whatever went wrong."""

import errno

import av.error
import pytest

from server.errors import Conflict, Invalid, SourceFailed
from server.media.reasons import REASONS, failure, reason_of, reason_text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (av.error.HTTPUnauthorizedError(1, "x"), "unauthorized"),
        (av.error.HTTPForbiddenError(1, "x"), "unauthorized"),
        (av.error.HTTPNotFoundError(1, "x"), "not_found"),
        (av.error.HTTPServerError(1, "x"), "failed"),
        (av.error.ExitError(1, "x"), "timed_out"),
        (av.error.InvalidDataError(1, "x"), "no_video"),
        (av.error.DecoderNotFoundError(1, "x"), "unknown_codec"),
        (av.error.ProtocolNotFoundError(1, "x"), "not_allowed"),
        (av.error.ConnectionRefusedError(1, "x"), "refused"),
        (av.error.ConnectionResetError(1, "x"), "ended"),
        (av.error.TimeoutError(1, "x"), "timed_out"),
        (av.error.EOFError(1, "x"), "ended"),
        (av.error.FileNotFoundError(1, "x"), "not_found"),
        (OSError(errno.EHOSTUNREACH, "x"), "timed_out"),
        (OSError(errno.EINVAL, "x"), "no_video"),
        (OSError(errno.EBUSY, "x"), "busy"),
        (OSError(errno.ENODEV, "x"), "not_found"),
        (OSError(errno.EIO, "x"), "failed"),
        (SourceFailed("x", code="stalled"), "stalled"),
        (Invalid.field("source", "not_allowed", "x"), "not_allowed"),
        (Conflict("x"), "failed"),
        (KeyError("x"), "failed"),
    ],
)
def test_codes(error: Exception, code: str) -> None:
    """Each error of FFmpeg and of the system has one code out of the closed set."""
    assert reason_of(error) == code
    assert code in REASONS


def test_sentences() -> None:
    """Every code has a sentence of its own, which the error carries; an unknown code has the general one."""
    assert len(set(REASONS.values())) == len(REASONS)
    assert all(text.endswith(".") and reason_text(code) == text for code, text in REASONS.items())
    assert failure("refused").message == REASONS["refused"]
    assert failure("refused").code == "refused"
    assert reason_text("something else") == REASONS["failed"]
