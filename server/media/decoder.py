"""Decoder: packets in, frames out, on the thread of whoever calls; begins at a keyframe."""

import av
from av.video.codeccontext import VideoCodecContext

from server.media.frame import Frame
from server.media.packet import TIME_BASE, Packet
from server.media.reasons import failure

_IN_FLIGHT = 64


class Decoder:
    """One decoder of one camera, single-threaded: cheapest for each stream, and adds no frames of delay."""

    def __init__(self, camera_id: str, codec: str, extradata: bytes | None) -> None:
        self._camera_id = camera_id
        try:
            context = av.CodecContext.create(codec, "r")
        except (av.FFmpegError, ValueError):
            raise failure("unknown_codec") from None
        if not isinstance(context, VideoCodecContext):
            raise failure("unknown_codec")
        context.thread_count = 1
        if extradata:
            context.extradata = extradata
        self._context = context
        self._arrivals: dict[int, Packet] = {}
        self._started = False
        self.corrupt = 0

    def decode(self, packet: Packet) -> list[Frame]:
        """The frames that this packet completes, in the order in which they are shown; often one, sometimes none."""
        if not self._started:
            if not packet.keyframe:
                return []
            self._started = True
        self._arrivals[packet.pts] = packet
        while len(self._arrivals) > _IN_FLIGHT:
            del self._arrivals[next(iter(self._arrivals))]
        try:
            pictures = self._context.decode(packet.encoded)
        except (av.error.InvalidDataError, av.error.EOFError):
            # One broken packet: the decoder goes on with the next.
            self.corrupt += 1
            return []
        except av.FFmpegError:
            raise failure("unknown_codec") from None
        return [self._frame(picture, packet) for picture in pictures]

    def _frame(self, picture: av.VideoFrame, newest: Packet) -> Frame:
        pts = newest.pts if picture.pts is None else picture.pts
        arrival = self._arrivals.pop(pts, newest)
        return Frame(self._camera_id, picture, pts, TIME_BASE, arrival.captured_at, arrival.captured_monotonic)
