"""Pictures of reports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.kernel.files import whole_file


def side_by_side(path: Path, pictures: Mapping[str, npt.NDArray[np.uint8]]) -> None:
    """The pictures in a row, each under its title, pixels doubled."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    height, width = next(iter(pictures.values())).shape[:2]
    figure, axes = pyplot.subplots(
        1, len(pictures), figsize=(2 * width * len(pictures) / 100, (2 * height + 44) / 100), dpi=100, squeeze=False
    )
    figure.subplots_adjust(left=0.004, right=0.996, bottom=0.004, top=1 - 40 / (2 * height + 44), wspace=0.01)
    for axis, (title, picture) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(picture, interpolation="nearest")
        axis.set_title(title, fontsize=15)
        axis.axis("off")
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png")
    pyplot.close(figure)
