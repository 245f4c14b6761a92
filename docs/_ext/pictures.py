"""Pictures that a page needs, drawn when the pages are built."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from sphinx.application import Sphinx

BLUE, RED, GREY = "#0072B2", "#D55E00", "#999999"
BOX = {"facecolor": "white", "edgecolor": "none", "pad": 2}
STYLE = {"svg.hashsalt": "gradrules", "font.size": 11, "svg.fonttype": "path"}


def complex_cotangents(file: Path) -> None:
    """A loss over the complex plane, its gradient at a point, and the conjugate of that."""
    x, y = np.meshgrid(np.linspace(-0.4, 5.2, 200), np.linspace(-1.5, 2.7, 200))
    point = 1.2 + 0.9j
    loss = (x**2 + 3 * y**2) / 4
    gradient = complex(point.real, 3 * point.imag) / 2
    figure, axes = plt.subplots(figsize=(6.8, 4.9), constrained_layout=True)
    axes.contour(x, y, loss, levels=12, colors=GREY, linewidths=0.7)
    arrow = {"width": 0.03, "length_includes_head": True, "head_width": 0.14, "zorder": 3}
    axes.arrow(point.real, point.imag, gradient.real, gradient.imag, color=BLUE, **arrow)
    axes.arrow(point.real, point.imag, gradient.real, -gradient.imag, color=RED, **arrow)
    axes.plot(point.real, point.imag, "o", color="black", zorder=4)
    axes.annotate("z", (point.real, point.imag), (-16, -4), textcoords="offset points")
    end = point + gradient
    axes.annotate("dL/dx + i dL/dy\ngradrules, PyTorch,\nTensorFlow, MLX", (end.real, end.imag),
                  (10, -22), textcoords="offset points", color=BLUE, bbox=BOX)  # fmt: skip
    end = point + gradient.conjugate()
    axes.annotate("dL/dx - i dL/dy\nJAX, autograd", (end.real, end.imag), (10, -14),
                  textcoords="offset points", color=RED, bbox=BOX)  # fmt: skip
    axes.set(xlabel="Re z", ylabel="Im z", aspect="equal", title="Lines of equal loss")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def draw(app: Sphinx) -> None:
    """Draw all of them."""
    with mpl.rc_context(STYLE):
        complex_cotangents(Path(app.srcdir) / "explanation" / "complex.svg")


def setup(app: Sphinx) -> dict[str, bool]:
    """Draw before the pages are read."""
    app.connect("builder-inited", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
