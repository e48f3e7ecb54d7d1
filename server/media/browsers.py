"""What a browser's decoder takes as it is, and what has to be encoded again before it is sent to one."""

from server.media.source import VideoFacts

_PROFILES = frozenset({"Baseline", "Constrained Baseline", "Main", "High", "Progressive High", "Constrained High"})
_PIXEL_FORMATS = frozenset({"yuv420p", "yuvj420p"})


def obstacle(facts: VideoFacts) -> str | None:
    """Why browsers cannot take this video over WebRTC; None where they can.

    `codec`: it is not H.264. `b_frames`: frames come in another order than they are shown, which RTP in browsers does
    not undo. `profile`: H.264 in a form that browsers do not decode, or that nobody could tell.
    """
    if facts.codec != "h264":
        return "codec"
    if facts.has_b_frames:
        return "b_frames"
    if facts.profile not in _PROFILES or facts.pixel_format not in _PIXEL_FORMATS:
        return "profile"
    return None
