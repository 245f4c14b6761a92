"""Rules whose argument is a function: linear systems, roots and spectra by action."""

from .solve_action import solve_action

__all__ = ["solve_action"]
