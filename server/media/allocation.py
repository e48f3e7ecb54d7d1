"""How much memory FFmpeg may take at once: a picture without an end is refused, and does not eat the machine."""

import ctypes

import av

# A whole picture of 8K with ten bits a pixel fits. No packet of a camera comes near.
LARGEST_BYTES = 128 << 20


def bound_allocations(most_bytes: int = LARGEST_BYTES) -> None:
    """For the whole process, and as often as one likes. FFmpeg itself lets a packet grow as long as bytes come.

    Looked for in what PyAV's module is linked to, so that it is the same library. Where it cannot be found (Windows
    does not look there), pictures are bounded by the read time-out alone.
    """
    bound = getattr(ctypes.CDLL(av._core.__file__), "av_max_alloc", None)  # noqa: SLF001
    if bound is not None:
        bound.argtypes, bound.restype = [ctypes.c_size_t], None
        bound(most_bytes)
