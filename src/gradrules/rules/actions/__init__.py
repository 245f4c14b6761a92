"""Rules whose argument is a function: linear systems, roots, fixed points and spectra by action."""

from .eigsh import eigsh
from .fixed_point import fixed_point
from .root import root
from .solve_action import solve_action
from .svds import svds

__all__ = ["eigsh", "fixed_point", "root", "solve_action", "svds"]
