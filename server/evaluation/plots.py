"""ROC and DET curves: as files by matplotlib, which the extra `eval` brings, and as a chart of a page."""

from collections.abc import Sequence
from math import log10
from pathlib import Path

import numpy as np

from server.charts import Theme, blank
from server.errors import Unavailable
from server.evaluation.scores import Curve

_DECADES = range(-4, 1)


def det_chart(points: Sequence[Sequence[float]], theme: Theme, across: str, up: str) -> bytes:
    """An SVG of (strangers accepted, true pairs refused), the former by powers of ten; `across` and `up` name them."""
    chart = blank(
        "XY", theme, ["accent"], show_legend=False, show_dots=False, x_title=across, y_title=up,
        xrange=(_DECADES[0], _DECADES[-1]), range=(0, max(0.05, *(frr for _, frr in points))),
        x_value_formatter=lambda power: f"{10**power:.4g}".rstrip("."),
        value_formatter=lambda share: f"{share:.0%}" if share >= 0.1 else f"{share:.1%}",
    )  # fmt: skip
    chart.x_labels = list(_DECADES)
    chart.add("", [(log10(far), frr) for far, frr in points if far >= 10 ** _DECADES[0]], stroke_style={"width": 3})
    drawn: bytes = chart.render()
    return drawn


def draw(curve: Curve, title: str, folder: Path) -> list[Path]:
    """`roc.png` and `det.png` in that folder. Raises Unavailable where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise Unavailable(
            "Curves need matplotlib: pip install '.[eval]' in the checkout.", code="needs_matplotlib"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    # A share of nothing has no place on a logarithmic axis: it is drawn at half of the smallest that could be.
    floor = float(curve.far[curve.far > 0].min()) / 2 if (curve.far > 0).any() else 1e-6
    kinds = (
        ("roc", "true pairs accepted", 1 - curve.frr, "linear"),
        ("det", "true pairs refused", np.maximum(curve.frr, floor), "log"),
    )
    drawn = []
    for name, label, values, scale in kinds:
        figure = Figure(figsize=(6, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.plot(curve.far, values, color="#1f5f8b")
        axes.set(
            xscale="log", yscale=scale, xlabel="strangers accepted", ylabel=label, title=f"{name.upper()}: {title}"
        )
        axes.grid(visible=True, which="both", alpha=0.3)
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=120)
        drawn.append(path)
    return drawn
