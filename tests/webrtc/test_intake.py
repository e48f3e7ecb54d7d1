"""server/webrtc/intake.py: stands in for the queue of aiortc's decoder."""

import threading
from types import SimpleNamespace

from aiortc import RTCDtlsTransport, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCCertificate
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport

from server.webrtc.intake import Intake


async def test_takes_the_place_of_the_queue() -> None:
    """aiortc has it under that name; a version that calls it otherwise fails here."""
    transport = RTCDtlsTransport(RTCIceTransport(RTCIceGatherer([])), [RTCCertificate.generateCertificate()])
    receiver = RTCRtpReceiver("video", transport)
    assert "_RTCRtpReceiver__decoder_queue" in vars(receiver)
    intake = Intake.installed(receiver, lambda *_: None)
    assert vars(receiver)["_RTCRtpReceiver__decoder_queue"] is intake


def test_pictures_go_out_and_the_thread_waits_for_the_end() -> None:
    """Times are cut to 32 bits, and whoever asks for work is given nothing, at the end."""
    taken: list[tuple[bytes, int]] = []
    intake = Intake(lambda data, at: taken.append((data, at)))
    waiting = threading.Thread(target=intake.get)
    waiting.start()
    intake.put(("codec", SimpleNamespace(data=b"picture", timestamp=(1 << 32) + 5)))
    assert waiting.is_alive()
    intake.put(None)
    waiting.join(1)
    assert taken == [(b"picture", 5)]
    assert not waiting.is_alive()
