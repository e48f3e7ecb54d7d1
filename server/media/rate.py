"""Which bit rate an encode that many share is worth: what the slowest third of its viewers can take. Pure."""

import math
from collections.abc import Iterable


def slowest_third(rates: Iterable[int | None]) -> int | None:
    """The most, in bits a second, that all but a third of the viewers receive whole; None where nothing limits them.

    `rates` are those of the viewers, None for one whose network takes everything. Of up to three the slowest counts;
    of more, a few very slow ones do not spoil the picture of all others: they get fewer pictures.
    """
    known = sorted(math.inf if rate is None else rate for rate in rates)
    if not known:
        return None
    chosen = known[math.ceil(len(known) / 3) - 1]
    return None if math.isinf(chosen) else int(chosen)
