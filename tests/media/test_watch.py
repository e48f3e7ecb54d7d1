"""server/media/watch.py: frozen and black pictures, and the living ones that look like them."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from server.media.frame import Frame, Pixels
from server.media.packet import TIME_BASE
from server.media.watch import LumaThumb, PictureWatch, Trouble, _fingerprint, thumbnail

VIDEO = Path(__file__).parents[3] / "shared" / "data" / "video"
SIZE, LARGE = (640, 360), (1280, 720)
FPS = 5
LOW_RATE = {"preset": "veryfast", "crf": "38"}

Draw = Callable[[float], Pixels]


def frame(picture: av.VideoFrame, at_s: float = 0.0) -> Frame:
    return Frame("c1", picture, round(at_s * 90_000), TIME_BASE, datetime(2026, 1, 5, tzinfo=UTC), at_s)


def scene(size: tuple[int, int] = SIZE, scale: float = 1.0, seed: int = 1) -> Pixels:
    """The luma of a room: soft shades, texture and some furniture; black is 16."""
    width, height = size
    drawn = np.random.default_rng(seed)
    shades = drawn.normal(110, 35, (9, 16)).astype(np.float32)
    room: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = cv2.resize(shades, size, interpolation=cv2.INTER_CUBIC)
    for _ in range(20):
        x, y = int(drawn.integers(0, width - 60)), int(drawn.integers(0, height - 60))
        room[y : y + 40, x : x + 50] = drawn.integers(40, 220)
    room += drawn.normal(0, 6, (height, width)).astype(np.float32)
    return cast("Pixels", np.clip(16 + (room - 16) * scale, 16, 235).astype(np.uint8))


def noisy(still: Pixels, sigma: float = 1.5) -> Draw:
    """A sensor's noise over what stands still."""
    drawn = np.random.default_rng(7)
    height, width = still.shape
    noise = drawn.normal(0, sigma, (height + 64, width + 64)).astype(np.float32)

    def draw(_: float) -> Pixels:
        x, y = drawn.integers(0, 64, 2)
        return cast("Pixels", np.clip(np.rint(still + noise[y : y + height, x : x + width]), 16, 235).astype(np.uint8))

    return draw


def still(picture: Pixels) -> Draw:
    return lambda _: picture


def clock(picture: Pixels) -> Draw:
    """Without any noise, but with the time burnt in, 40 x 10 px."""

    def draw(at_s: float) -> Pixels:
        shown = picture.copy()
        label = shown[20:30, 20:60]
        label[:] = 20
        text = f"{int(at_s) // 60:02}:{int(at_s) % 60:02}"
        cv2.putText(label, text, (0, 9), cv2.FONT_HERSHEY_PLAIN, 0.75, 230, 1)
        return shown

    return draw


def dusk(picture: Pixels) -> Draw:
    """Without any noise, a step darker in two seconds."""
    return lambda at_s: cast("Pixels", np.rint(16 + (picture - 16.0) * (1 - at_s / 200)).astype(np.uint8))


def passing(picture: Pixels) -> Draw:
    """Somebody crosses the picture for five seconds, every forty."""
    sensor = noisy(picture)

    def draw(at_s: float) -> Pixels:
        shown = sensor(at_s)
        if at_s % 40 < 5:
            x = int(at_s % 40 * 110)
            shown[120:360, x : x + 90] = 60
        return shown

    return draw


def night(*, sign: int) -> Draw:
    """A dark room with the noise of full gain, and a sign above its door as bright as told."""
    dark = np.full((SIZE[1], SIZE[0]), 19, np.uint8)
    dark[100:140, 300:360] = sign
    return noisy(dark, 6.0)


def capped() -> Draw:
    """A covered lens with the noise of full gain; the camera still writes the time."""
    return lambda at_s: clock(noisy(np.full((SIZE[1], SIZE[0]), 17, np.uint8), 6.0)(at_s))(at_s)


def encoded(
    draw: Draw, seconds: float, codec: str = "libx264", options: dict[str, str] | None = None, gop: int = 10
) -> Iterator[tuple[LumaThumb, float]]:
    """What a decoder gives of what an encoder made of it."""
    height, width = draw(0.0).shape
    encoder = av.CodecContext.create(codec, "w")
    decoder = av.CodecContext.create({"libx264": "h264"}.get(codec, codec), "r")
    assert isinstance(encoder, VideoCodecContext)
    assert isinstance(decoder, VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, FPS), Fraction(FPS), gop
    encoder.options = {"preset": "ultrafast", "crf": "23"} if options is None else options
    whole = np.full((height * 3 // 2, width), 128, np.uint8)
    for index in range(round(seconds * FPS)):
        whole[:height] = draw(index / FPS)
        picture = av.VideoFrame.from_ndarray(whole, format="yuv420p").reformat(format=encoder.pix_fmt)
        picture.pts, picture.time_base = index, Fraction(1, FPS)
        for packet in encoder.encode(picture):
            for shown in decoder.decode(packet):
                at_s = (shown.pts or 0) / FPS
                yield thumbnail(frame(shown, at_s)), at_s


def watched(shown: Iterator[tuple[LumaThumb, float]], watch: PictureWatch | None = None) -> dict[Trouble | None, float]:
    """Every answer, with the time at which it was first given."""
    watch = watch or PictureWatch()
    answers: dict[Trouble | None, float] = {}
    for luma, at_s in shown:
        watch.saw(luma, at_s)
        answers.setdefault(watch.trouble(at_s), at_s)
    return answers


def plain(level: int, *, key: bool = True, black: int = 16, drawn: int | None = None) -> LumaThumb:
    """One even picture; `drawn` tells pictures apart that look the same."""
    pixels = np.full((36, 64), level, np.uint8)
    return LumaThumb(pixels, black, (level if drawn is None else drawn) if key else None)


def feed(watch: PictureWatch, luma: LumaThumb, first_s: int, last_s: int) -> None:
    for at_s in range(first_s, last_s + 1):
        watch.saw(luma, float(at_s))


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"preset": "ultrafast", "crf": "23"}),
        ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "crf": "35"}),
        ("libx264", {"preset": "veryfast", "crf": "23", "bf": "2"}),
        ("mpeg4", {"qmin": "4", "qmax": "4"}),
        ("mjpeg", {"qmin": "4", "qmax": "4"}),
    ],
)
def test_an_encoder_that_repeats_one_picture(codec: str, options: dict[str, str]) -> None:
    """Is frozen some time after half a minute, however it improves the picture within a GOP."""
    hung = still(noisy(scene())(0.0))
    answers = watched(encoded(hung, 55, codec, options))
    assert set(answers) == {None, "frozen"}
    assert 30.0 <= answers["frozen"] <= 46.0


@pytest.mark.parametrize(
    ("draw", "seconds", "options", "gop"),
    [
        pytest.param(noisy(scene()), 60, LOW_RATE, 10, id="noise"),
        pytest.param(noisy(scene()), 60, LOW_RATE, 60, id="noise, long GOPs"),
        pytest.param(noisy(scene(), 0.7), 60, None, 10, id="little noise"),
        pytest.param(clock(scene(LARGE)), 45, None, 10, id="clock"),
        pytest.param(dusk(scene()), 100, LOW_RATE, 10, id="dusk"),
        pytest.param(passing(scene()), 90, LOW_RATE, 10, id="somebody every forty seconds"),
        pytest.param(noisy(scene(scale=0.12)), 45, LOW_RATE, 10, id="dark room"),
        pytest.param(night(sign=120), 45, LOW_RATE, 10, id="a sign in the dark"),
        pytest.param(still(scene()), 75, None, 1000, id="no keyframe for ever"),
    ],
)
def test_living_scenes(draw: Draw, seconds: float, options: dict[str, str] | None, gop: int) -> None:
    """Nothing is wrong with a scene that stands still before a sensor that lives."""
    assert set(watched(encoded(draw, seconds, options=options, gop=gop))) == {None}


@pytest.mark.parametrize("draw", [capped(), still(np.full((360, 640), 16, np.uint8))], ids=["noise and clock", "even"])
def test_a_covered_lens(draw: Draw) -> None:
    """Is black after ten seconds, and stays so: not frozen, though the picture is always the same."""
    answers = watched(encoded(draw, 45))
    assert set(answers) == {None, "black"}
    assert 10.0 <= answers["black"] <= 10.5


@pytest.mark.parametrize(
    ("level", "contrast", "black", "expected"),
    [
        (31, 0, 16, "black"),
        (32, 0, 16, None),
        (15, 0, 0, "black"),
        (16, 0, 0, None),
        (20, 2, 16, "black"),
        (20, 4, 16, None),
        (5, 0, 16, "black"),
    ],
)
def test_how_dark_is_black(level: int, contrast: int, black: int, expected: Trouble | None) -> None:
    """Less than 16 steps above black, deviating by less than 3."""
    pixels = np.full((36, 64), level - contrast, np.uint8)
    pixels[:, ::2] = level + contrast
    watch = PictureWatch()
    feed(watch, LumaThumb(pixels, black, None), 0, 10)
    assert watch.trouble(10.0) == expected


def test_black_neither_comes_nor_goes_at_a_flash() -> None:
    """One lit picture begins the ten seconds anew; once black, it takes a second of them to end it."""
    watch = PictureWatch()
    feed(watch, plain(17, key=False), 0, 9)
    watch.saw(plain(90, key=False), 9.5)
    feed(watch, plain(17, key=False), 10, 19)
    assert watch.trouble(19.0) is None
    watch.saw(plain(17, key=False), 20.0)
    assert watch.trouble(20.0) == "black"
    for at_s, level, expected in (
        (20.2, 90, "black"),
        (20.9, 90, "black"),
        (21.1, 17, "black"),
        (21.3, 90, "black"),
        (22.2, 90, "black"),
        (22.3, 90, None),
        (22.4, 17, None),
    ):
        watch.saw(plain(level, key=False), at_s)
        assert watch.trouble(at_s) == expected


@pytest.mark.parametrize("life", [plain(107, key=False), plain(100, drawn=5)], ids=["motion", "a new keyframe"])
def test_life_ends_frozen_at_once(life: LumaThumb) -> None:
    """The first picture that moved, or keyframe that is new, is enough; then it takes the whole time again."""
    watch = PictureWatch()
    feed(watch, plain(100), 0, 30)
    assert watch.trouble(30.0) == "frozen"
    watch.saw(life, 30.1)
    assert watch.trouble(30.1) is None
    feed(watch, plain(100), 31, 60)
    assert watch.trouble(60.0) is None
    feed(watch, plain(100), 61, 63)
    assert watch.trouble(63.0) == "frozen"


def test_keyframes_must_have_come_back() -> None:
    """With twelve seconds between them, the third that is known decides; those between prove nothing."""
    watch = PictureWatch()
    for at_s in range(37):
        assert watch.trouble(float(at_s)) is None
        watch.saw(plain(100, key=at_s % 12 == 0), float(at_s))
    assert watch.trouble(36.0) == "frozen"


def test_an_encoder_that_wavers_is_frozen_and_a_film_that_loops_is_not() -> None:
    """Up to four keyframes in turn are one picture; more of them are a film."""
    for count, expected in ((4, "frozen"), (5, None)):
        watch = PictureWatch()
        for at_s in range(60):
            watch.saw(plain(100 + at_s % count), float(at_s))
        assert watch.trouble(59.0) == expected


def test_a_looping_film_that_is_still_for_long() -> None:
    """Somebody walks for five seconds of forty; the rest of the film is drawn the same in each round."""
    watch = PictureWatch()
    for at_s in range(200):
        place = at_s % 40
        watch.saw(plain(60 + place * 10) if place < 5 else plain(100, key=place % 10 == 0, drawn=place), float(at_s))
        assert watch.trouble(float(at_s)) is None


def test_silence_and_clocks_that_jump() -> None:
    """A camera that was away for minutes, or a time long past, begins anew; while it is silent nothing is known."""
    watch = PictureWatch()
    assert watch.trouble(0.0) is None
    feed(watch, plain(100), 0, 20)
    feed(watch, plain(100), 320, 349)
    assert watch.trouble(349.0) is None
    feed(watch, plain(100), 350, 350)
    assert watch.trouble(350.0) == "frozen"
    assert watch.trouble(361.0) is None
    feed(watch, plain(100), 5, 34)
    assert watch.trouble(34.0) is None
    feed(watch, plain(17), 35, 45)
    assert watch.trouble(45.0) == "black"
    watch.saw(plain(17), 3600.0)
    assert watch.trouble(3600.0) is None


def test_frames_out_of_order() -> None:
    """B-frames arrive after what they are shown before: that neither begins anew nor adds time."""
    watch = PictureWatch()
    for at_s in range(31):
        watch.saw(plain(100), at_s + 0.2)
        watch.saw(plain(100, key=False), float(at_s))
    assert watch.trouble(30.2) == "frozen"
    back = PictureWatch()
    for step in range(200):
        back.saw(plain(100), 9.0 - step % 10)
    assert back.trouble(9.0) is None


def test_memory_is_bounded() -> None:
    """A day of keyframes that all differ leaves as much behind as four of them."""
    watch = PictureWatch()
    for at_s in range(10_000):
        watch.saw(plain(100, drawn=at_s), float(at_s))
    assert len(watch._known) == 4


@pytest.mark.parametrize(
    ("pixel_format", "black"),
    [("yuv420p", 16), ("yuvj422p", 0), ("nv12", 16), ("gray", 0), ("bgr24", 16), ("yuv420p10le", 16), ("yuyv422", 16)],
)
def test_thumbnails_of_every_format(pixel_format: str, black: int) -> None:
    """They show the same, each in its range, however the decoder stores it and however wide its rows are."""
    pixels = np.full((270, 486, 3), 40, np.uint8)
    pixels[:135, 243:] = 220
    picture = av.VideoFrame.from_ndarray(pixels, format="bgr24").reformat(format=pixel_format)
    luma = thumbnail(frame(picture))
    assert (luma.black, luma.fingerprint) == (black, None)
    scale = 1.0 if black == 0 else 219 / 255
    assert abs(int(luma.pixels[4, 60]) - (black + 220 * scale)) <= 2
    assert abs(int(luma.pixels[30, 60]) - (black + 40 * scale)) <= 2
    assert abs(int(luma.pixels[4, 4]) - (black + 40 * scale)) <= 2


def test_small_pictures_have_thumbnails() -> None:
    """Smaller than the thumbnail itself is no error."""
    picture = av.VideoFrame.from_ndarray(np.full((8, 6, 3), 90, np.uint8), format="bgr24").reformat(format="yuv420p")
    assert thumbnail(frame(picture)).pixels.shape == (36, 64)


def test_a_thumbnail_has_its_shape() -> None:
    """Another array is refused where it is made."""
    with pytest.raises(ValueError, match=r"\(36, 64\) uint8"):
        LumaThumb(np.zeros((64, 36), np.uint8), 16, None)


def test_the_least_change_of_a_keyframe_shows() -> None:
    """One pixel by one step, which no cell of the thumbnail shows, is another fingerprint."""
    luma, cells = scene(), np.zeros((36, 64), np.uint8)
    other = luma.copy()
    other[100, 100] += 1
    assert _fingerprint(luma, cells) == _fingerprint(luma.copy(), cells) != _fingerprint(other, cells)


def test_only_keyframes_have_a_fingerprint() -> None:
    """Those of a GOP's other frames would tell of the encoder rather than of the sensor."""
    prints = [luma.fingerprint for luma, _ in encoded(still(scene()), 6, options={"tune": "zerolatency"})]
    assert [at for at, each in enumerate(prints) if each is not None] == [0, 10, 20]


def test_thumbnails_are_cheap() -> None:
    """Well under what a conversion costs: an eighth of a millisecond for full HD where it was measured."""
    picture = av.VideoFrame.from_ndarray(np.full((1620, 1920), 90, np.uint8), format="yuv420p")
    took = []
    for _ in range(50):
        began = time.perf_counter()
        thumbnail(frame(picture))
        took.append(time.perf_counter() - began)
    assert min(took) < 0.001


@pytest.mark.parametrize(
    ("name", "rounds"),
    [
        ("one-by-one-person-detection.mp4", 2),
        ("classroom.gif", 15),
        ("face-demographics-walking.gif", 15),
        ("head-pose-face-detection-female.gif", 15),
        ("head-pose-face-detection-male.gif", 15),
    ],
)
def test_real_films_are_alive(name: str, rounds: int) -> None:
    """Nothing is ever wrong with them, round after round, also where nobody is there for long."""
    if not (VIDEO / name).exists():
        pytest.skip(f"no {VIDEO / name} here")
    shown = []
    with av.open(str(VIDEO / name)) as film:
        for picture in film.decode(video=0):
            shown.append((thumbnail(frame(picture)), float(picture.time or 0.0)))
    length_s = shown[-1][1] + 0.1
    assert set(watched((luma, at_s + turn * length_s) for turn in range(rounds) for luma, at_s in shown)) == {None}
