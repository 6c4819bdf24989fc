"""The templates of the pages, filled in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def render_template(name: str, **content: object) -> str:
    """Fill in a template of this folder.

    Whatever comes from outside (labels, reasons, warnings, captions) is text: escaped wherever it is put. What is no text (metadata may
    hold lone surrogates) becomes a question mark.
    """
    return _template(name).render(**content).encode("utf-8", "replace").decode("utf-8")


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # not at start-up: only the pages need it

    environment = Environment(
        loader=PackageLoader("face_mirror_au.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
