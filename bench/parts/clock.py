"""A clock that is painted into frames as big black and white squares, so that it outlives any encoder."""

import numpy as np

from server.demo.pictures import Pixels

SIDE_PX = 48
NUMBER_BITS, CHECK_BITS = 12, 4
BITS = NUMBER_BITS + CHECK_BITS


def paint(frame: Pixels, number: int) -> Pixels:
    """A copy whose upper left corner shows the number of the frame: the highest bit first, then the check sum."""
    painted = frame.copy()
    painted[:SIDE_PX, : BITS * SIDE_PX] = 16
    shown = number << CHECK_BITS | check_sum(number)
    for place in range(BITS):
        if shown >> (BITS - 1 - place) & 1:
            painted[:SIDE_PX, place * SIDE_PX : (place + 1) * SIDE_PX] = 235
    return painted


def check_sum(number: int) -> int:
    """So that a square read wrong, or a picture without a clock, is noticed."""
    return (number ^ number >> 4 ^ number >> 8) & 15 ^ 10


def read(frame: Pixels) -> int | None:
    """The number in the picture; None where there is none."""
    middle = SIDE_PX // 2
    shown = 0
    for place in range(BITS):
        left = place * SIDE_PX + middle
        square = frame[middle - 8 : middle + 8, left - 8 : left + 8]
        shown = shown << 1 | int(float(np.mean(square)) > 127)
    number = shown >> CHECK_BITS
    return number if check_sum(number) == shown & 15 else None
