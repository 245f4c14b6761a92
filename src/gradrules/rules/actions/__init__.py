"""Rules whose argument is a function: linear systems, roots, fixed points and spectra by action.

A file for each rule, of its name; and what they share:

=============  =================================================
``_implicit``  derivatives of a solution that a function defines
``_krylov``    GMRES and conjugate gradients
``_lanczos``   extreme eigenpairs, by Lanczos
``_vectors``   arrays of any shape as vectors
=============  =================================================
"""

from .eigsh import eigsh
from .fixed_point import fixed_point
from .root import root
from .solve_action import solve_action
from .svds import svds

__all__ = ["eigsh", "fixed_point", "root", "solve_action", "svds"]
