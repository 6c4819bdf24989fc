"""A matplotlib figure as SVG that can stand inside a page: no metadata, ids of its own, a text for those who do not see it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.dom import minidom

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Comes with matplotlib, which measures text with it. Where a reader's system lacks it: Verdana, which it was modelled on, is as wide.
_FONT = "DejaVu Sans"
_FONTS = "'DejaVu Sans', Verdana, sans-serif"
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "face-mirror-au",  # the same numbers give the same page
    "svg.fonttype": "none",  # text stays text: it can be searched, read aloud and enlarged
    "font.family": [_FONT],
    "font.size": 8.0,
    "text.parse_math": False,
    "hatch.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify": True,  # points that no reader of the page could tell apart are not written: an hour of video is no larger
}
_URL = re.compile(r"url\(#([^)]+)\)")
_LINKS = frozenset({"href", "xlink:href"})


@contextmanager
def figure_settings() -> Iterator[None]:
    """Settings for drawing and writing, whatever the user's own matplotlibrc says."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def inline_svg(figure: Figure, name: str, description: str) -> Markup:
    """Write a figure (inside `figure_settings`) as an <svg> element.

    Parameters
    ----------
    name : str
        Without blanks; put before every id: a page holds many figures.
    description : str
        What the figure shows, for a screen reader.
    """
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    root = minidom.parseString(written.getvalue()).documentElement  # noqa: S318 - written by ourselves in the line above
    if root is None:  # for the type checker: a document that was parsed has an element
        raise AssertionError
    for tag in ("metadata", "style"):  # the style would hold for the whole page
        for element in list(root.getElementsByTagName(tag)):
            if element.parentNode is not None:
                element.parentNode.removeChild(element)
    _own_ids(root, name)
    for attribute in ("width", "height", "version"):
        root.removeAttribute(attribute)
    root.setAttribute("style", "stroke-linejoin: round; stroke-linecap: butt")
    root.setAttribute("role", "img")
    root.setAttribute("aria-label", description)
    return Markup(root.toxml())  # noqa: S704 - minidom has escaped it


def _own_ids(root: minidom.Element, name: str) -> None:
    """Keep the ids that are referred to, under names of their own."""
    elements = [root, *root.getElementsByTagName("*")]
    values = [(element, key, value) for element in elements for key, value in element.attributes.items()]
    referred = {value[1:] for _, key, value in values if key in _LINKS and value.startswith("#")}
    referred.update(found for _, _, value in values for found in _URL.findall(value))
    for element, key, value in values:
        if key == "id":
            if value in referred:
                element.setAttribute(key, f"{name}-{value}")
            else:
                element.removeAttribute(key)
        elif key in _LINKS:
            element.setAttribute(key, f"#{name}-{value[1:]}")
        elif key == "style" and f"'{_FONT}'" in value:
            element.setAttribute(key, value.replace(f"'{_FONT}'", _FONTS))
        elif "url(#" in value:
            element.setAttribute(key, value.replace("url(#", f"url(#{name}-"))
