"""Intake: the encoded pictures of a publisher, taken out of aiortc before it decodes them."""

import threading
from collections.abc import Callable
from typing import Any

from aiortc import RTCRtpReceiver

OnPicture = Callable[[bytes, int], None]


class Intake:
    """Stands where the receiver queues what its decoder's thread is to decode; that thread only waits for the end."""

    def __init__(self, on_picture: OnPicture) -> None:
        self._on_picture = on_picture
        self._ended = threading.Event()

    @classmethod
    def installed(cls, receiver: RTCRtpReceiver, on_picture: OnPicture) -> "Intake":
        """Before the receiver starts. `on_picture` gets the bytes and their RTP time, on the event loop."""
        intake = cls(on_picture)
        vars(receiver)["_RTCRtpReceiver__decoder_queue"] = intake
        return intake

    def put(self, task: Any) -> None:
        """A codec with a picture, or None at the end."""
        if task is None:
            self._ended.set()
        else:
            _, picture = task
            self._on_picture(picture.data, picture.timestamp & 0xFFFFFFFF)

    def get(self) -> None:
        """What the decoder's thread is given: nothing, at the end."""
        self._ended.wait()
