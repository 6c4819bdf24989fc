"""The templates of the pages, filled in."""

from __future__ import annotations


def render_template(name: str, **content: object) -> str:
    """Fill in a template of this folder.

    Whatever comes from outside (labels, reasons, warnings, captions) is text: escaped wherever it is put.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # not at start-up: only the pages need it

    environment = Environment(
        loader=PackageLoader("face_mirror_au.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name).render(**content)
