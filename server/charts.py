"""Charts of the pages: SVG by pygal in the pages' colours, which runs nothing and loads nothing."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Theme = Literal["light", "dark"]
Tone = Literal["accent", "green", "amber", "red", "blue", "quiet"]
# Ink, quiet ink and lines of the pages.
_INKS: dict[Theme, tuple[str, str, str]] = {
    "light": ("#141c1d", "#56615f", "#dde1de"),
    "dark": ("#e9eff0", "#9dabae", "#263135"),
}
_TONES: dict[Theme, dict[Tone, str]] = {
    "light": {
        "accent": "#0a6580", "green": "#22722f", "amber": "#8a5200", "red": "#b3261e", "blue": "#2c56c0",
        "quiet": "#868f8d",
    },
    "dark": {
        "accent": "#6cc6e4", "green": "#7ccf7f", "amber": "#f0b454", "red": "#ff9489", "blue": "#94b1ff",
        "quiet": "#66757a",
    },
}  # fmt: skip
_STEPS = [size * 10**power for power in range(10) for size in (1, 2, 5)]


def blank(kind: str, theme: Theme, tones: Sequence[Tone], **options: Any) -> Any:
    """A chart of pygal's class `kind` to add series to, each in the next tone."""
    import pygal
    from pygal.style import Style

    # Its import hook, for maps, is of a kind that Python has given up: every later import would warn of it.
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, pygal.PluginImportFixer)]
    ink, quiet, line = _INKS[theme]
    style = Style(
        background="transparent", plot_background="transparent", foreground=quiet, foreground_strong=ink,
        foreground_subtle=line, colors=tuple(_TONES[theme][tone] for tone in tones), opacity=1, opacity_hover=1,
        font_family="system-ui, sans-serif", label_font_size=15, major_label_font_size=15, title_font_size=16,
        legend_font_size=15, guide_stroke_color=line, major_guide_stroke_color=line, guide_stroke_dasharray="0",
        major_guide_stroke_dasharray="0",
    )  # fmt: skip
    chart = getattr(pygal, kind)(js=[], style=style, width=720, height=400, max_scale=6, **options)
    chart.add_xml_filter(_without_scripts)
    return chart


def bars(
    labels: Sequence[str], series: Mapping[str, tuple[Tone, Sequence[int]]], theme: Theme, across: str, up: str,
    marked: Sequence[str],
) -> bytes:  # fmt: skip
    """Whole numbers by label, stacked where there are several series; `marked` labels alone are written out."""
    most = max((sum(column) for column in zip(*(values for _, values in series.values()), strict=True)), default=0)
    chart = blank(
        "StackedBar", theme, [tone for tone, _ in series.values()], show_legend=len(series) > 1, legend_at_bottom=True,
        legend_at_bottom_columns=len(series), x_title=across, y_title=up, range=(0, max(most, 1)), spacing=12,
        truncate_label=-1, truncate_legend=-1, show_minor_x_labels=False, no_data_text="",
        value_formatter=lambda value: f"{value:.0f}",
    )  # fmt: skip
    chart.x_labels, chart.x_labels_major = list(labels), list(marked)
    step = next(size for size in _STEPS if size * 6 >= most)
    chart.y_labels = list(range(0, max(most, 1) + step, step))
    for name, (_, values) in series.items():
        chart.add(name, list(values))
    drawn: bytes = chart.render()
    return drawn


def _without_scripts(root: Any) -> Any:
    for parent in root.iter():
        for child in [one for one in parent if str(one.tag).rpartition("}")[2] == "script"]:
            parent.remove(child)
    return root
