"""The pictures of the gallery: drawn by its examples with Matplotlib, saved as SVG that reads in light and in dark.

An example knows nothing of this: the house style is put in place before each, in the colors of light pages. Each color
of it becomes a variable of CSS, which follows the color scheme of the system, as in the other pictures of these pages.
The colors of color maps stay what they are. As small as on the page of all examples, a picture leaves out its texts,
which nobody could read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

HOUSE_STYLE = Path(__file__).parents[2] / "examples" / "gallery" / "house.mplstyle"
IN_DARK = {
    "#f7f9fb": "#181c22",
    "#1f2933": "#e6eaef",
    "#52606d": "#aeb8c4",
    "#d9e0e7": "#38414d",
    "#2563a8": "#7ab7f5",
    "#b4530b": "#f0a35e",
    "#2b7549": "#74c69a",
    "#b3261e": "#f28b82",
    "#7b4fa3": "#c4a1e8",
    "#5b6673": "#a5adba",
}
"""What each color of the house style becomes where the system is in a dark scheme."""
READABLE_FROM = 320
"""The width in pixels from which on a picture shows its texts and legends: that of a thumbnail is at most 300."""
READING_ORDER = (
    *("names", "surprise", "temperature", "growth", "gpt", "comparing", "fine_tuning"),
    *("autocomplete", "correcting", "odd_lines", "domains", "password_meter", "language_map", "mixed_languages"),
    *("molecules", "compressing", "onnx"),
)
"""The examples: first what a model is, then what it is good for."""


class ReadingOrder:
    """Sorts the examples, as sphinx-gallery asks of ``within_subsection_order``."""

    def __init__(self, _folder: str) -> None:
        """Takes the folder of the examples, of which there is one."""

    def __call__(self, file_name: str) -> int:
        """Returns the place of an example.

        Raises:
            ValueError: It has none.
        """
        return READING_ORDER.index(file_name.removeprefix("plot_").removesuffix(".py"))


def use_house_style(_configuration: dict[str, Any], _path: str) -> None:
    """Sets the defaults of Matplotlib for an example, as sphinx-gallery asks of ``reset_modules``."""
    mpl.use("agg")
    plt.rcdefaults()
    plt.style.use(HOUSE_STYLE)


def save_figures(_block: object, variables: dict[str, Any], _configuration: dict[str, Any]) -> str:
    """Saves the open figures and returns the lines that show them, as sphinx-gallery asks of a scraper."""
    paths: Iterator[str] = variables["image_path_iterator"]
    shown = []
    for number in plt.get_fignums():
        path, figure = Path(next(paths)).with_suffix(".svg"), plt.figure(number)
        figure.savefig(path)
        path.write_text(in_both_schemes(path.read_text("utf-8")), "utf-8")
        shown.append(
            f".. image:: /gallery/images/{path.name}\n"
            f"    :alt: {titles_of(figure)}\n    :class: sphx-glr-single-img dark-light\n\n"
        )
    plt.close("all")
    return "".join(shown)


def titles_of(figure: Figure) -> str:
    """Returns the titles in a figure on one line, which say what it shows."""
    titles = [figure.get_suptitle(), *(axes.get_title("left") for axes in figure.axes)]
    return " ".join(" ".join(titles).split())


def in_both_schemes(svg: str) -> str:
    """Returns a picture whose colors follow the color scheme of the system, without texts where it is small."""
    names = {color: f"--color-{number}" for number, color in enumerate(IN_DARK)}
    light = "".join(f"{name}: {color}; " for color, name in names.items())
    dark = "".join(f"{name}: {IN_DARK[color]}; " for color, name in names.items())
    head, end, body = svg.partition("<defs>")
    body = re.sub("|".join(IN_DARK), lambda found: f"var({names[found[0]]})", body)
    in_dark = f"@media (prefers-color-scheme: dark) {{ svg {{ {dark}}} }}"
    texts = '[id^="text_"], [id^="legend_"]'
    if_small = f"@media (max-width: {READABLE_FROM - 1}px) {{ {texts} {{ display: none; }} }}"
    return f"{head}<style>svg {{ {light}}} {in_dark} {if_small}</style>\n {end}{body}"
