"""How the pages are built; ``nox -s docs`` builds them, strictly.

``-D plot_gallery=0`` leaves the scripts of the gallery unexecuted, ``-D run_rules=0`` the example and the
check of each rule; ``-t online`` links to the pages of Python, NumPy and SciPy, whose lists are then fetched.
"""

import sys
from pathlib import Path

import gradrules

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "gradrules"
version = release = gradrules.__version__
html_title = f"gradrules {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "pictures",
    "public_names",
    "command_line",
    "rule_pages",
]
exclude_patterns = ["_build", "_ext", "gallery"]

# -- text ------------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
default_role = "literal"  # in docstrings `x` is code
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

# -- reference -------------------------------------------------------------------------------------

napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80

if "online" in globals().get("tags", ()):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
    }

# -- gallery ---------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"/(?!plot_)[^/]*\.py$",  # what lies beside a script belongs to it
    "within_subsection_order": "gallery_order.ArticlesFirst",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,  # its page fetches scripts
}

# -- pages -----------------------------------------------------------------------------------------

html_theme = "furo"
html_math_renderer = "mathml"
html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"priority": 100})]  # before Sphinx highlights words
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8a", "color-brand-content": "#0b5c8a"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
}
