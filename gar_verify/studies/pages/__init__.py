"""HTML pages from one base: one style, one file each, no script, no network."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def render(
    template: str, filters: dict[str, Callable[..., Any]] | None = None, **values: Any
) -> str:
    """A page as text.

    Args:
        template: a file of the package that extends ``studies/pages/base.html.jinja``.
        filters: further filters of the template.
        values: what the template shows; text is escaped.
    """
    environment = Environment(
        loader=PackageLoader("gar_verify", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters or {}
    style = files("gar_verify.studies.pages").joinpath("style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(style=Markup(style), **values)
