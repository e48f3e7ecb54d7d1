"""server/webrtc/offer.py: what a browser offers is looked at before anything is built for it."""

import pytest

from server.errors import BadRequest
from server.webrtc.offer import PLAYOUT_DELAY, check, cleaned, extension_id, ice_login, not_supported

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"


FINGERPRINT = "a=fingerprint:sha-256 00:11\r\n"
SOUND = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "hello",
        "{}",
        "v=1\r\n",
        HEAD + FINGERPRINT,
        HEAD + FINGERPRINT + VIDEO + VIDEO,
        HEAD + FINGERPRINT + SOUND,
        HEAD + VIDEO,
        HEAD + FINGERPRINT + VIDEO + 8 * SOUND,
    ],
)
def test_needs_one_video_section_and_a_fingerprint(offer: str) -> None:
    """Neither none nor two, not a crowd of others, and a session description at all."""
    with pytest.raises(BadRequest) as refused:
        check(offer)
    assert refused.value.code == "bad_sdp"


@pytest.mark.parametrize("offer", [HEAD + FINGERPRINT + VIDEO, HEAD + SOUND + VIDEO + FINGERPRINT])
def test_the_fingerprint_stands_anywhere(offer: str) -> None:
    """Before the sections or in one; line ends of any kind."""
    check(offer)
    check(offer.replace("\r\n", "\n"))


def test_what_aiortc_is_not_to_see_is_left_out() -> None:
    """Candidates, which go another way, their end, and the group that it would take down its only transport for."""
    offer = HEAD + "a=group:BUNDLE 0 1\n" + VIDEO + "a=candidate:1 1 udp 1 192.0.2.7 5 typ host\na=end-of-candidates\n"
    assert cleaned(offer) == HEAD + VIDEO


def test_extension_of_the_video_section() -> None:
    """The number is that of the video section, with or without a direction."""
    sound = f"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=extmap:7 {PLAYOUT_DELAY}\r\n"
    assert extension_id(HEAD + sound + VIDEO + f"a=extmap:5/sendrecv {PLAYOUT_DELAY}\r\n", PLAYOUT_DELAY) == 5
    assert extension_id(HEAD + sound + VIDEO, PLAYOUT_DELAY) is None


def test_codec_not_supported_has_its_code() -> None:
    """Clients tell by the code that this browser cannot be helped."""
    assert not_supported("…").code == "codec_not_supported"


def test_ice_login() -> None:
    """What names an ICE session is found in every section, however lines end."""
    text = HEAD + "a=ice-ufrag:one\r\n" + VIDEO + "a=ice-ufrag:two\r\na=ice-pwd:secret\r\na=ice-options:trickle\r\n"
    wanted = {"a=ice-ufrag:one", "a=ice-ufrag:two", "a=ice-pwd:secret"}
    assert ice_login(text) == ice_login(text.replace("\r\n", "\n")) == wanted
    assert ice_login("a=mid:0\r\n") == frozenset()
