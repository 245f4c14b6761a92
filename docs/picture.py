"""Draw the picture of the README, docs/wrong.svg, from the page of the gallery that has its numbers."""

import runpy
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "gallery"))
page = runpy.run_path(str(DOCS / "gallery" / "plot_6_heat_kernel.py"))
from _page import BLUE, RED, difference  # noqa: E402

plt.close("all")
RINGS = (6, 8, 12)
MARKS = ("o", "s", "^")
ways = [name for name in page["WAYS"] if name != "gr.eigh, project"]
with mpl.rc_context({"svg.hashsalt": "gradrules", "svg.fonttype": "path", "font.size": 11}):
    figure, axes = plt.subplots(figsize=(8.0, 3.3), constrained_layout=True)
    for row, name in enumerate(ways):
        colour = BLUE if name.startswith("gr.") else RED
        refused = 0
        for ring, mark in zip(RINGS, MARKS, strict=True):
            error = difference(page["gradients"][name, ring], page["truths"][ring])
            if np.isfinite(error):
                axes.plot(max(error, 1e-17), row, mark, color=colour, markersize=9, alpha=0.85)
            else:
                refused += 1
        if refused:
            axes.annotate(
                f"NaN for {refused} of {len(RINGS)}", (1.4e-17, row), va="center", color=colour
            )
    for ring, mark in zip(RINGS, MARKS, strict=True):
        axes.plot([], [], mark, color="#666666", label=f"ring of {ring}")
    axes.set(
        xscale="log", xlim=(1e-17, 3), ylim=(len(ways) - 0.4, -0.6), yticks=range(len(ways)),
        yticklabels=ways, xlabel="error of the gradient, relative to its largest entry",
        title="The gradient of a heat kernel on a ring: finite is not the same as right",
    )  # fmt: skip
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="center", bbox_to_anchor=(0.5, 0.4), frameon=True)
    figure.savefig(DOCS / "wrong.svg", metadata={"Date": None})
