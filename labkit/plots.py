"""One plot style for six labs: a palette that colour-blind readers can tell apart, and alt text.

Example:
    fig, axes = figure()
    axes.plot(ns, accuracy, **arm(0), label="majority vote")
    save(fig, folder.file("accuracy.png"), alt="Accuracy rises from .41 at n = 1 to .62 at n = 8.")
    show(fig, alt="…")                                               # in a notebook

Arms differ in colour, marker and line, so a plot can be read in grey too. Left out: what to plot.
"""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data import atomic_write
from .errors import LabError

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008, "Color Universal Design"; yellow left out, since thin yellow lines vanish on white.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
# Of another length than the palette, so that an eighth arm doesn't look like the first.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))

STYLE = {
    "figure.figsize": (7.0, 4.2),
    "figure.dpi": 110,
    "savefig.dpi": 150,
    "font.size": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def figure(rows: int = 1, columns: int = 1, **settings: Any) -> tuple[Figure, Axes]:
    """A figure and its axes in the course's style, drawn without a window on any machine."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        settings.setdefault("figsize", (7.0 * columns if columns < 3 else 5.0 * columns, 4.2 * rows))
        fig = Figure(layout="constrained", **settings)
        FigureCanvasAgg(fig)
        axes = fig.subplots(rows, columns)
    return fig, axes


def arm(number: int) -> dict[str, Any]:
    """How the arm with this number is drawn, the same in every plot; colours repeat after seven."""
    return {
        "color": PALETTE[number % len(PALETTE)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
        "linewidth": 2.0,
    }


def save(fig: Figure, path: Path | str, *, alt: str) -> Path:
    """Writes the figure as PNG with its alt text in the metadata (`Description`), whole or not at all.

    Raises LabError: no alt text, or a path that does not end in .png.
    """
    path = Path(path)
    if path.suffix != ".png":
        raise LabError("a plot's path ending in .png", path.name, path)
    return atomic_write(path, _png(fig, alt))


def alt_text(path: Path | str) -> str:
    """The alt text of a PNG written by `save`, "" when there is none."""
    from PIL import Image

    with Image.open(path) as image:
        return image.info.get("Description", "")


def show(fig: Figure, *, alt: str) -> HTML:
    """The figure as an `<img alt>` for a notebook. Raises LabError: no alt text."""
    from IPython.display import HTML

    data = base64.b64encode(_png(fig, alt)).decode("ascii")
    words = html.escape(alt, quote=True)
    return HTML(f'<img src="data:image/png;base64,{data}" alt="{words}" style="max-width: 100%">')


def _png(fig: Figure, alt: str) -> bytes:
    if not alt.strip():
        raise LabError("alt text: what the plot shows, in a sentence or two", "none")
    buffer = io.BytesIO()
    fig.savefig(
        buffer, format="png", dpi=STYLE["savefig.dpi"], metadata={"Description": alt, "Software": None}
    )
    return buffer.getvalue()
