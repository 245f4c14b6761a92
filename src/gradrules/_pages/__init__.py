"""The pages of ``gradrules check --html`` and ``gradrules audit --html``: one file each.

A page holds its records as JSON, and its script builds from them what is opened. ``_page`` makes pages,
``_environment`` says what a run was made with; templates, style and scripts are the files beside them.
"""

from ._environment import environment
from ._page import audit_page, check_page

__all__ = ["audit_page", "check_page", "environment"]
