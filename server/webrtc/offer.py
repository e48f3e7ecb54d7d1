"""What a browser offers, looked at before anything is built for it."""

import re

from server.errors import BadRequest, Invalid

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
_EXTENSION = re.compile(r"^a=extmap:(\d+)(?:/\w+)? (\S+)", re.MULTILINE)
_MOST_SECTIONS = 8
# Candidates go the way of those that come later. Their end is not told, as more may come by PATCH, and a browser that
# has told none is still found by the checks that it sends. Everything is bundled from the beginning; told of it once
# more, aiortc takes the transport down that it has, unless video comes first.
_LEFT_OUT = ("a=candidate:", "a=end-of-candidates", "a=group:BUNDLE")


def check(offer: str) -> None:
    """Raises BadRequest unless it has exactly one video section, and says whom to expect."""
    lines = _lines(offer)
    if lines[0] != "v=0":
        raise BadRequest("This is not a session description.", code="bad_sdp")
    if sum(line.startswith("m=video ") for line in lines) != 1:
        raise BadRequest("The offer needs exactly one video section.", code="bad_sdp")
    if sum(line.startswith("m=") for line in lines) > _MOST_SECTIONS:
        raise BadRequest("The offer has too many sections.", code="bad_sdp")
    if not any(line.startswith("a=fingerprint:") for line in lines):
        raise BadRequest("The offer has no fingerprint.", code="bad_sdp")


def cleaned(offer: str) -> str:
    """As aiortc is to see it."""
    return "\r\n".join(line for line in _lines(offer) if not line.startswith(_LEFT_OUT)) + "\r\n"


def extension_id(offer: str, uri: str) -> int | None:
    """The number that the offer gives to a header extension in its video section."""
    section = offer.partition("m=video ")[2].partition("\nm=")[0]
    return next((int(number) for number, name in _EXTENSION.findall(section) if name == uri), None)


def ice_login(text: str) -> frozenset[str]:
    """The lines that name the ICE session of an offer or of a fragment, and its password."""
    return frozenset(line.strip() for line in _lines(text) if line.startswith(("a=ice-ufrag:", "a=ice-pwd:")))


def not_supported(message: str) -> Invalid:
    """There is no codec that both sides have."""
    return Invalid(message, code="codec_not_supported")


def _lines(offer: str) -> list[str]:
    return offer.replace("\r\n", "\n").strip().split("\n")
