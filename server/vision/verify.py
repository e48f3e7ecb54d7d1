"""Runs a pack's reference input again and compares what comes out with what is kept beside it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from server.errors import PackRefused
from server.vision.packs import Pack, check_file
from server.vision.session import Session


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """How far a pack's outputs are from its reference on this machine."""

    name: str
    provider: str
    difference: float
    tolerance: float
    took_ms: float


def verify(pack: Pack, providers: Sequence[str] | None = None) -> VerifyReport:
    """Raises `PackRefused` for a file, a shape or a number that is not as it should be."""
    check_file(pack)
    session = Session(pack.model, providers)
    try:
        with np.load(pack.reference, allow_pickle=False) as kept:
            picture = kept["input"]
            expected = [kept[name] for name in session.outputs]
    except (OSError, KeyError, ValueError) as error:
        raise PackRefused(f"{pack.reference} does not hold the reference of {pack.name}.") from error
    started = time.perf_counter()
    found = session.run(picture.astype(np.float32))
    took_ms = (time.perf_counter() - started) * 1000
    difference = 0.0
    for name, want, got in zip(session.outputs, expected, found, strict=True):
        if want.shape != got.shape:
            raise PackRefused(f"{pack.name}: {name} has the shape {got.shape}, not {want.shape}.")
        if not np.isfinite(got).all():
            raise PackRefused(f"{pack.name}: {name} has values that are not numbers on {session.provider}.")
        difference = max(difference, float(np.abs(want - got).max()))
    tolerance = pack.manifest.result.tolerance
    if difference > tolerance:
        raise PackRefused(
            f"{pack.name} differs from its reference by {difference:.2g} on {session.provider}; "
            f"{tolerance:.2g} is allowed."
        )
    return VerifyReport(pack.name, session.provider, difference, tolerance, took_ms)
