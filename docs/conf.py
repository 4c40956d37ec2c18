"""Sphinx, for `make docs`: the pages of this folder as a site. Warnings are errors there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tlsresume import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "tlsresume"
author = copyright = "The tlsresume authors"  # noqa: A001  Sphinx's name
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
myst_enable_extensions = ["deflist"]
# Headings that other pages link to.
myst_heading_anchors = 3
# `--option` is no dash.
smartquotes = False
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"tlsresume {__version__}"
html_copy_source = False
# What the program prints has no language; commands are marked as console.
highlight_language = "text"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "undoc-members": False}


def _code(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Docstrings have code in single backquotes, as Markdown has."""
    text = "\n".join(lines)
    lines[:] = re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"``\1``", text).split("\n")


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", _code)
