"""How the documentation site is built: ``make docs``; nothing is fetched, at build or view time."""

import gc
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_ext")]
# jsonschema, which reads the notebooks, would build a grammar of IRIs for 4 s: as if not installed
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

gc.set_threshold(200_000)  # trees of documents are many objects, and little garbage: 15 % faster

import gar_verify  # noqa: E402

project = "gar_verify"
author = "The gar_verify maintainers"
copyright = author
version = release = gar_verify.__version__

extensions = [
    "staging",
    "mathml",
    "wide",
    "myst_nb",
    "sphinx.ext.autodoc",
    "docstrings",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_ext", "**/.ipynb_checkpoints"]
suppress_warnings = ["ref.python"]  # a field's name that several classes have: any will do

# Names of this package must exist; those of other packages cannot be looked up without a network.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!gar_verify\.)(?!proofs\.).*")]
highlight_language = "text"
default_role = "py:obj"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the stored outputs: `make test` compares them

autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in ("Array", "ArrayLike", "Vector")}
autodoc_default_options = {"members": True, "show-inheritance": False}
python_use_unqualified_type_names = True
napoleon_use_rtype = False
viewcode_follow_imported_members = False
toc_object_entries = False

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"gar_verify {version}"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
