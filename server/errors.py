"""The error tree: what can go wrong, each with a stable code that callers may rely on.

RollcallError
+-- BadRequest             malformed: not JSON, an unknown sort key
+-- NotAuthenticated       nobody, or somebody whose session has ended
+-- Forbidden              somebody, but without the permission
+-- NotFound
+-- Conflict               already there, or in a state that does not allow it
|   +-- StillAtWork        the same was asked for a moment ago; come back for its answer
+-- EditedMeanwhile        If-Match does not match any more
+-- TooLarge
+-- UnsupportedMedia
+-- Invalid                understood, but wrong; details name the field
|   +-- PhotoRefused       a photo that cannot become a template
+-- TooMany                come back after `retry_after_s`
+-- Unavailable            not ready, or the camera is offline
+-- PackRefused            a model pack that is not what its manifest says
+-- SourceFailed           a camera that cannot be opened or read

Inner code raises; only the edge (routes/responses.py, events/socket.py, cli.py) maps to a status.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detail:
    """One field that is wrong: its name as on the wire, a stable code and a sentence."""

    field: str
    code: str
    message: str


class RollcallError(Exception):
    """Something went wrong in a way that the caller can be told about."""

    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        if code is not None:
            self.code = code


class BadRequest(RollcallError):
    code = "bad_request"


class NotAuthenticated(RollcallError):
    code = "not_authenticated"


class Forbidden(RollcallError):
    code = "forbidden"


class NotFound(RollcallError):
    code = "not_found"

    @classmethod
    def of(cls, noun: str) -> "NotFound":
        """The usual answer for a noun: code `camera_not_found`, "No camera with that id."."""
        return cls(f"No {noun} with that id.", code=f"{noun.replace(' ', '_')}_not_found")


class Conflict(RollcallError):
    code = "conflict"


class StillAtWork(Conflict):
    code = "idempotency_in_progress"
    retry_after_s = 1


class EditedMeanwhile(RollcallError):
    code = "edited_meanwhile"


class TooLarge(RollcallError):
    code = "too_large"


class UnsupportedMedia(RollcallError):
    code = "unsupported_media_type"


class OutOfRange(RollcallError):
    code = "range_not_satisfiable"


class Invalid(RollcallError):
    code = "validation_failed"

    @classmethod
    def field(cls, field: str, code: str, message: str) -> "Invalid":
        """One wrong field."""
        return cls(message, details=(Detail(field, code, message),))


class PhotoRefused(Invalid):
    code = "photo_refused"


class TooMany(RollcallError):
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_s: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class Unavailable(RollcallError):
    code = "unavailable"


class PackRefused(RollcallError):
    code = "pack_refused"


class SourceFailed(RollcallError):
    """`code` is one of the reasons of a camera's status, such as `timed_out` or `refused`."""

    code = "source_failed"
