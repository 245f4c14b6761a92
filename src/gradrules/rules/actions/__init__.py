"""Rules whose argument is a function: linear systems, roots, fixed points and spectra by action."""

from .fixed_point import fixed_point
from .root import root
from .solve_action import solve_action

__all__ = ["fixed_point", "root", "solve_action"]
