"""One line a figure: its name, ours, what it is compared with, and the ratio."""

import statistics
from collections.abc import Sequence


def figure(
    name: str, ours: float, other: tuple[str, float | None] | None = None, *, ratio: float | None = None, bar: str = ""
) -> None:
    """Prints the line. `other` is what it is compared with and its value, None where that could not be measured."""
    parts = [f"{name:<44}", f"rollcall {_shown(ours)}"]
    if other is not None:
        label, value = other
        parts.append(f"{label} {'-' if value is None else _shown(value)}")
        if ratio is None and value:
            ratio = ours / value
        parts.append(f"ratio {'-' if ratio is None else _shown(ratio)}")
    if bar:
        parts.append(f"({bar})")
    print("  ".join(parts), flush=True)


def note(text: str) -> None:
    """A line that is no figure."""
    print(f"# {text}", flush=True)


def median(values: Sequence[float]) -> float:
    """The middle of the rounds."""
    return float(statistics.median(values))


def quantile(values: Sequence[float], part: float) -> float:
    """The value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _shown(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
