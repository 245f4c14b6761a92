"""The pages of ``gradrules check --html`` and ``gradrules audit --html``: one file each.

A page holds its records as JSON, and its script builds from them what is opened. Templates, style and
scripts are the files beside this one.
"""

from ._environment import environment
from ._page import audit_page, check_page

__all__ = ["audit_page", "check_page", "environment"]
