"""Why a camera has no picture: one code and one sentence for whatever FFmpeg or the system says."""

import builtins
import errno
from types import MappingProxyType

import av.error

from server.errors import Invalid, RollcallError, SourceFailed

REASONS = MappingProxyType(
    {
        "not_found": "Nothing was found at this address. Check the address, or the name of the file.",
        "refused": "The camera refused the connection. Check the address and the port.",
        "timed_out": "The camera did not answer in time. Check that it is switched on and on this network.",
        "unauthorized": "The camera asked for a login and did not accept it. Check the user name and the password.",
        "no_video": "The address answers, but there is no video that can be read.",
        "ended": "The camera ended the stream. You need not do anything: it is opened again.",
        "not_allowed": "This address is not allowed here. Ask your administrator to add its network or folder.",
        "unknown_codec": "The camera sends video in a format that cannot be decoded. Choose H.264 in its settings.",
        "stalled": "The camera is connected, but no video arrives. You need not do anything: it is opened again.",
        "frozen": "The camera sends the same picture again and again. Restart the camera.",
        "black": "The picture is black. Check the lens, its cover and the light.",
        "no_publisher": "Nobody publishes to this camera at the moment. Start it on the device whose camera it is.",
        "busy": "Another program uses this camera. Close that program; the camera is tried again.",
        "no_permission": "The server may not use this camera. Give its account the right to (on Linux: group video).",
        "not_supported": "The server cannot read cameras of this kind here: its video library was built without that.",
        "elsewhere": "Another server of this installation runs the camera. Watch it there.",
        "failed": "The camera could not be read. You need not do anything: it is tried again.",
    }
)

# Order matters: the first class that fits wins.
_BY_CLASS: tuple[tuple[type[BaseException], str], ...] = (
    (av.error.HTTPUnauthorizedError, "unauthorized"),
    (av.error.HTTPForbiddenError, "unauthorized"),
    (av.error.HTTPNotFoundError, "not_found"),
    (av.error.ExitError, "timed_out"),  # the interrupt of the open or read time-out
    (av.error.DecoderNotFoundError, "unknown_codec"),
    (av.error.PatchWelcomeError, "unknown_codec"),
    (av.error.DemuxerNotFoundError, "no_video"),
    (av.error.InvalidDataError, "no_video"),
    (av.error.ProtocolNotFoundError, "not_allowed"),
    (builtins.TimeoutError, "timed_out"),
    (builtins.ConnectionRefusedError, "refused"),
    (builtins.ConnectionError, "ended"),
    (builtins.EOFError, "ended"),
    (builtins.PermissionError, "not_allowed"),
    (builtins.FileNotFoundError, "not_found"),
    (builtins.IsADirectoryError, "not_found"),
    (builtins.MemoryError, "no_video"),  # a picture larger than any camera makes
)

_BY_ERRNO = {
    errno.EHOSTUNREACH: "timed_out",
    errno.ENETUNREACH: "timed_out",
    errno.ETIMEDOUT: "timed_out",
    errno.ENOTDIR: "not_found",
    errno.ENODEV: "not_found",
    errno.ENXIO: "not_found",
    errno.EBUSY: "busy",
    errno.EINVAL: "no_video",  # also what a container outside of the list of formats gives
}


def reason_text(code: str) -> str:
    """What to tell the person who looks after the camera."""
    return REASONS.get(code, REASONS["failed"])


def failure(code: str) -> SourceFailed:
    """The error to raise for a code."""
    return SourceFailed(reason_text(code), code=code)


def reason_of(error: BaseException) -> str:
    """The code for an error. Its message is never used: FFmpeg puts the address into it, password and all."""
    if isinstance(error, SourceFailed):
        return error.code
    if isinstance(error, Invalid):
        return "not_allowed"
    if isinstance(error, RollcallError):
        return "failed"
    for kind, code in _BY_CLASS:
        if isinstance(error, kind):
            return code
    return _BY_ERRNO.get(getattr(error, "errno", None) or 0, "failed")
