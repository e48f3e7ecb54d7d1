"""What the demo's clips are composed of: two quiet rooms with a counter in front, and people cut out of portraits."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from server.demo.pictures import Pixels, astronaut, grace_hopper, read_picture

WIDTH, HEIGHT = 1280, 720
COUNTER_Y = 600

Place = Literal["entrance", "workshop"]
Mask = NDArray[np.float32]
Colour = tuple[int, int, int]

_COLLINS = [
    (150, 100), (156, 66), (170, 40), (196, 20), (228, 14), (262, 20), (288, 42), (300, 74), (300, 104), (288, 124),
    (276, 134), (266, 156), (260, 172), (284, 190), (302, 216), (306, 246), (328, 258), (348, 286), (358, 320),
    (364, 352), (400, 344), (446, 360), (478, 396), (494, 440), (500, 512), (18, 512), (24, 440), (34, 330),
    (50, 262), (84, 236), (112, 214), (114, 180), (136, 158), (172, 148), (182, 140), (176, 122), (160, 118),
]  # fmt: skip
_HOPPER = [
    (148, 110), (170, 88), (180, 62), (214, 36), (256, 24), (300, 32), (340, 56), (354, 82), (372, 92), (371, 150),
    (376, 200), (372, 240), (360, 282), (346, 306), (334, 316), (380, 342), (440, 366), (486, 390), (500, 430),
    (511, 520), (511, 599), (14, 599), (24, 500), (36, 420), (60, 382), (120, 356), (180, 340), (202, 326),
    (206, 306), (176, 292), (164, 262), (154, 216), (160, 172), (150, 150),
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A portrait with a soft outline. `head` is the middle of the face in pixels of `picture`."""

    picture: Pixels
    mask: Mask
    head: tuple[int, int]


def collins() -> Person:
    """Eileen Collins; her face is about 120 pixels high."""
    return _cut_out(read_picture(astronaut()), _COLLINS, (222, 120))


def hopper() -> Person:
    """Grace Hopper; her face is about 190 pixels high."""
    return _cut_out(read_picture(grace_hopper()), _HOPPER, (264, 215))


def _cut_out(picture: Pixels, outline: list[tuple[int, int]], head: tuple[int, int]) -> Person:
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.array(outline, np.int32)], 255, cv2.LINE_AA)
    # Rounded and a little narrower than the outline, so that no edge of the old background shows.
    mask = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=2), (0, 0), 3.5)
    soft = np.clip((mask.astype(np.float32) / 255 - 0.2) / 0.75, 0, 1)
    return Person(picture, soft, head)


def room(place: Place) -> Pixels:
    """The empty place, out of focus as behind a person; the counter is added in front of people by `counter`."""
    return _entrance() if place == "entrance" else _workshop()


def counter(place: Place) -> Pixels:
    """The strip from COUNTER_Y down, which hides where the portraits end."""
    top, body = ((176, 190, 198), (96, 108, 118)) if place == "entrance" else ((120, 158, 190), (62, 84, 104))
    strip = np.repeat(_ramp(body, _darker(body, 0.7), HEIGHT - COUNTER_Y)[:, None], WIDTH, 1)
    strip[:26] = _ramp(top, _darker(top, 0.86), 26)[:, None]
    strip[26:34] = _darker(body, 0.55)
    return np.ascontiguousarray(strip, np.uint8)


def _entrance() -> Pixels:
    picture = _wall((206, 212, 214), (168, 178, 184))
    cv2.rectangle(picture, (0, 560), (WIDTH, HEIGHT), (128, 138, 146), -1)
    for left in (90, 350):  # a glass door, daylight behind
        cv2.rectangle(picture, (left, 70), (left + 240, 590), (236, 232, 222), -1)
        cv2.rectangle(picture, (left + 16, 86), (left + 224, 330), (248, 244, 232), -1)
        cv2.rectangle(picture, (left + 16, 350), (left + 224, 580), (224, 226, 206), -1)
        cv2.rectangle(picture, (left, 70), (left + 240, 590), (104, 110, 114), 12)
    cv2.rectangle(picture, (720, 130), (930, 300), (150, 128, 92), -1)  # a notice board
    cv2.rectangle(picture, (744, 154), (906, 276), (196, 182, 158), -1)
    cv2.ellipse(picture, (1130, 420), (90, 150), 0, 0, 360, (86, 128, 92), -1)  # a plant
    cv2.ellipse(picture, (1080, 360), (60, 110), 24, 0, 360, (98, 146, 106), -1)
    cv2.rectangle(picture, (1076, 520), (1184, 640), (96, 112, 138), -1)
    return _unfocused(picture, 11)


def _workshop() -> Pixels:
    picture = _wall((158, 166, 160), (118, 124, 120))
    colours: list[Colour] = [(92, 112, 160), (150, 132, 88), (108, 146, 120), (78, 92, 112), (140, 160, 176)]
    for shelf, y in enumerate((190, 340, 490)):
        for index in range(11):
            height = 60 + (index * 37 + shelf * 53) % 50
            left = 40 + index * 112 + (shelf * 29) % 40
            colour = colours[(index * 3 + shelf) % len(colours)]
            cv2.rectangle(picture, (left, y - height), (left + 70 + index * 13 % 30, y), colour, -1)
        cv2.rectangle(picture, (20, y), (WIDTH - 20, y + 14), (74, 88, 104), -1)
    for left in (250, 850):  # lamps
        cv2.rectangle(picture, (left, 18), (left + 190, 40), (240, 248, 250), -1)
    return _unfocused(picture, 13)


def _wall(above: Colour, below: Colour) -> Pixels:
    wall = np.repeat(_ramp(above, below, HEIGHT)[:, None], WIDTH, 1)
    fall_off = 1 - 0.22 * np.abs(np.linspace(-1, 1, WIDTH)) ** 2
    return np.ascontiguousarray(wall * fall_off[None, :, None], np.uint8)


def _unfocused(picture: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _ramp(above: Colour, below: Colour, rows: int) -> NDArray[np.float64]:
    return np.linspace(above, below, rows)


def _darker(colour: Colour, factor: float) -> Colour:
    return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))
