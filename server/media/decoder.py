"""Decoder: packets in, frames out, on the thread of whoever calls; begins at a keyframe."""

from dataclasses import replace

import av
from av.video.codeccontext import VideoCodecContext

from server.media.frame import Converter, Frame
from server.media.packet import TIME_BASE, Packet
from server.media.reasons import failure
from server.media.source import VideoFacts

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
        self._converter = Converter()
        self._started = False
        self.corrupt = 0

    @classmethod
    def of(cls, camera_id: str, facts: VideoFacts) -> "Decoder":
        """The decoder for what a source says about itself."""
        decoder = cls(camera_id, facts.decoder, facts.extradata)
        if facts.codec == "rawvideo":
            # Pictures without any header: what they look like is told here or nowhere.
            context = decoder._context
            context.width, context.height, context.pix_fmt = facts.width, facts.height, facts.pixel_format
        return decoder

    def look(self, packet: Packet, facts: VideoFacts) -> VideoFacts | None:
        """What a keyframe tells when it is decoded; None if it cannot be."""
        frames = self.decode(packet)
        context = self._context
        if not frames and not (context.width and context.pix_fmt):
            return None
        return replace(
            facts,
            width=context.width,
            height=context.height,
            has_b_frames=context.has_b_frames,
            profile=context.profile,
            pixel_format=context.pix_fmt,
        )

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
        # What a lost packet leaves behind is patched up and shown, but somebody may want to do something about it.
        self.corrupt += sum(picture.is_corrupt for picture in pictures)
        return [self._frame(picture, packet) for picture in pictures]

    def _frame(self, picture: av.VideoFrame, newest: Packet) -> Frame:
        pts = newest.pts if picture.pts is None else picture.pts
        arrival = self._arrivals.pop(pts, newest)
        return Frame(
            self._camera_id,
            picture,
            pts,
            TIME_BASE,
            arrival.captured_at,
            arrival.captured_monotonic,
            self._converter,
        )
