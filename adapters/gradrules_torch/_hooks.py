"""torch's own routines beyond the array API."""

from collections.abc import Callable
from typing import Any

import torch
from torch._higher_order_ops.while_loop import while_loop_op

from gradrules import hooks
from gradrules.errors import UnsupportedTransformError

from ._host import host
from ._namespace import xp

Arrays = tuple[Any, ...]
_TRACERS = (
    torch._C._TorchDispatchModeKey.FAKE,
    torch._C._TorchDispatchModeKey.PROXY,
    torch._C._TorchDispatchModeKey.FUNCTIONAL,
)


def _eye_like(a: Any) -> Any:
    return torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)


def _lu(a: Any) -> Arrays:
    p, lower, upper = torch.linalg.lu(a)
    return p.real if p.is_complex() else p, lower, upper


def _lu_factor(a: Any) -> Arrays:
    # Not lu_factor, which raises where there is no inverse: a determinant has its factors all the same.
    return tuple(torch.linalg.lu_factor_ex(a))[:2]


def _lu_solve(factors: Arrays, b: Any, adjoint: bool) -> Any:
    # Without contiguous(), vmap(hessian(...)) of solve is silently wrong beyond the first matrix of a
    # batch (torch 2.13; no issue found upstream).
    lu, pivots = (factor.contiguous() for factor in factors)
    return torch.linalg.lu_solve(lu, pivots, b, adjoint=adjoint)


def _lu_det(factors: Arrays) -> Any:
    lu, pivots = factors
    rows = torch.arange(1, 1 + pivots.shape[-1], dtype=pivots.dtype, device=pivots.device)
    odd = (pivots != rows).sum(-1) % 2
    return lu.diagonal(dim1=-2, dim2=-1).prod(-1) * (1 - 2 * odd)


def _solve_triangular(a: Any, b: Any, lower: bool, adjoint: bool, unit_diagonal: bool) -> Any:
    return torch.linalg.solve_triangular(
        a.mH if adjoint else a, b, upper=lower == adjoint, unitriangular=unit_diagonal
    )


def _repeat(count: Any, _most: int, body: Callable[..., Arrays], state: Arrays) -> Arrays:
    """A plain loop; a loop in the graph for tracers, which have no value to count to."""
    if count.device.type == "meta" and type(count) is torch.Tensor:
        return body(count, state)  # shapes alone
    if not _traced(count):
        for i in range(int(count)):
            state = body(i, state)
        return state

    def unfinished(i: Any, count: Any, *_: Any) -> Any:
        return i < count

    def step(i: Any, count: Any, *state: Any) -> Arrays:
        # What comes out must not be what went in, and must be laid out alike.
        return i + 1, *map(_fresh, (count, *body(i, state)))

    start = map(_fresh, (torch.zeros_like(count), count, *state))
    return tuple(while_loop_op(unfinished, step, tuple(start), ())[2:])


def _choose(condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """A plain branch; the general way where the condition has no value, or many."""
    unknown = (
        _traced(condition)
        or condition.device.type == "meta"
        or torch._C._functorch.is_batchedtensor(condition)
        or torch._C._get_tracing_state() is not None
    )
    return one() if not unknown and bool(condition.all()) else other()


def _traced(x: Any) -> bool:
    # torch.compile, export and make_fx use tensor subclasses, these dispatch modes, or both.
    return type(x) is not torch.Tensor or any(map(torch._C._get_dispatch_mode, _TRACERS))


def _fresh(x: Any) -> Any:
    return x.resolve_conj().clone(memory_format=torch.contiguous_format)


def _iterate(
    unfinished: Callable[[Arrays], Any],
    body: Callable[[Arrays], Arrays],
    state: Arrays,
    most: int,
) -> Arrays:
    """A plain loop; of tracers, which have no value to decide by, the shapes alone."""
    for _ in range(most):
        goes_on = unfinished(state)
        if goes_on.device.type == "meta" and type(goes_on) is torch.Tensor:
            return body(state)
        if _traced(goes_on):
            msg = "an iteration whose length depends on values cannot be traced by torch"
            raise UnsupportedTransformError(msg)
        if not goes_on:
            break
        state = body(state)
    return state


@torch.library.custom_op("gradrules::schur", mutates_args=())
def _schur(a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """On the host; one operation, for what traces."""
    array = a.detach().resolve_conj().resolve_neg().cpu().numpy()
    t, z = hooks.schur_on_host(array)
    return torch.from_numpy(t).to(a.device), torch.from_numpy(z).to(a.device)


@_schur.register_fake
def _shapes_of_schur(a: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    like = torch.empty(a.shape, dtype=a.dtype.to_complex(), device=a.device)
    return like, torch.empty_like(like)


hooks.provide(
    xp,
    all_finite=host.all_finite,
    choose=_choose,
    eig=torch.linalg.eig,
    eye_like=_eye_like,
    iterate=_iterate,
    lu=_lu,
    lu_det=_lu_det,
    lu_factor=_lu_factor,
    lu_solve=_lu_solve,
    repeat=_repeat,
    schur=_schur,
    solve_triangular=_solve_triangular,
)
