"""Rules under DTensor and DDP, in each of two processes; the first writes the report."""

from functools import partial

import torch
from problems import attempt, distance, problem, problems, report
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.distributed.tensor.debug import CommDebugMode
from torch.nn.parallel import DistributedDataParallel

import gradrules as gr
from gradrules import adapters
from gradrules.errors import ArrayTypeError

T = adapters.load("torch").transforms
BATCH = 5  # three matrices in one process, two in the other


def whole(x):
    """The tensor of all processes, as an array of NumPy."""
    return T.numpy(x.full_tensor() if hasattr(x, "full_tensor") else x)


def counted(function):
    """The result, and how often each collective ran."""
    with CommDebugMode() as mode:
        result = function()
    return result, {str(op): count for op, count in mode.get_comm_counts().items()}


# -- DTensor: every rule -----------------------------------------------------------------------------


def all_orders(p, tensor):
    """Value, gradient, and the gradient of the gradient along a direction, each with its collectives."""
    primals = [tensor(x) for x in p.primals]
    f, x = p.function(primals)
    for one in x:
        one.requires_grad_()
    bars, directions = tuple(map(tensor, p.bars)), tuple(map(tensor, p.directions))
    y, value = counted(lambda: f(*x))
    g, gradient = counted(lambda: torch.autograd.grad(y, x, bars, create_graph=True))
    moving = [(one, d) for one, d in zip(g, directions, strict=True) if one.requires_grad]
    second, again = [], {}
    if moving:
        one, d = zip(*moving, strict=True)
        second, again = counted(
            lambda: torch.autograd.grad(one, x, d, allow_unused=True, materialize_grads=True)
        )
    return (*y, *g, *second), {"value": value, "gradient": gradient, "second": again}


def cell(mesh, p):
    wanted, _ = all_orders(p, torch.tensor)
    found, collectives = all_orders(
        p, lambda x: distribute_tensor(torch.tensor(x), mesh, [Shard(0)])
    )
    return {
        "collectives": collectives,
        "distance": distance(map(whole, found), map(whole, wanted)),
        "split": all(x.placements == (Shard(0),) for x in found),
    }


# -- DTensor: particular cases -----------------------------------------------------------------------


def matrices():
    (a,) = problem(gr.inv, "float64", BATCH).primals
    return torch.tensor(a)


def control(mesh):
    x = distribute_tensor(matrices(), mesh, [Shard(0)])
    return {"collectives": counted(x.full_tensor)[1]}


def split_matrices(mesh):
    a = matrices()
    x = distribute_tensor(a, mesh, [Shard(1)]).requires_grad_()
    y, collectives = counted(lambda: gr.inv(x))
    (g,) = torch.autograd.grad(y.sum(), x)
    wanted = gr.inv(a), torch.func.grad(lambda a: gr.inv(a).sum())(a)
    return {
        "collectives": collectives,
        "distance": distance(map(whole, (y, g)), map(whole, wanted)),
        "placements": [str(y.placements), str(g.placements)],
    }


def shared_argument(mesh, first):
    """One matrix, or one right-hand side, for a batch of the others."""
    a, b = matrices(), torch.ones(BATCH, 3, 2, dtype=torch.float64)
    a, b = (a[0], b) if first else (a, b[0])
    placed = [distribute_tensor(x, mesh, [Shard(0) if x.ndim > 2 else Replicate()]) for x in (a, b)]
    for x in placed:
        x.requires_grad_()
    y, collectives = counted(lambda: gr.solve(*placed))
    found = torch.autograd.grad(y.sum(), placed)
    wanted = torch.func.grad(lambda a, b: gr.solve(a, b).sum(), (0, 1))(a, b)
    return {
        "collectives": collectives,
        "distance": distance(map(whole, (y, *found)), map(whole, (gr.solve(a, b), *wanted))),
        "placements": str(y.placements),
    }


def beside_a_plain_tensor(mesh):
    x = distribute_tensor(matrices(), mesh, [Shard(0)])
    try:
        gr.solve(x, matrices())
    except ArrayTypeError as refusal:
        return {"refusal": str(refusal)}
    return {}


def forward_mode(mesh):
    """What torch says of forward mode with a DTensor, where no rule takes part and where one does."""
    x = distribute_tensor(matrices(), mesh, [Shard(0)])
    said = {}
    for name, f in (("sin", torch.sin), ("inv", gr.inv)):
        try:
            torch.func.jvp(f, (x,), (x,))
        except NotImplementedError as refusal:
            said[name] = str(refusal)
    return said


# -- DDP ---------------------------------------------------------------------------------------------


LOSSES = {
    "eigh": lambda a: (gr.eigh(a).eigenvectors[..., 0] ** 4).sum(-1),
    "solve": lambda a: gr.solve(a, a.sin()).sum((-2, -1)) ** 2,
    "expm": lambda a: gr.expm(a / 4).diagonal(dim1=-2, dim2=-1).sum(-1),
}


class Model(torch.nn.Module):
    """Symmetric matrices through two layers, and a rule in the loss."""

    def __init__(self, loss):
        super().__init__()
        torch.manual_seed(0)
        self.inner = torch.nn.Linear(3, 3, dtype=torch.float64)
        self.outer = torch.nn.Linear(3, 3, dtype=torch.float64)
        self.loss = LOSSES[loss]

    def forward(self, x):
        h = self.outer(torch.tanh(self.inner(x)))
        one = torch.diag(torch.arange(2.0, 5.0, dtype=h.dtype))
        return self.loss(h @ h.mT + one).mean()


def averaged(loss):
    """The gradients of DDP, which averages over processes, against those of one process."""
    rank, count = distributed.get_rank(), distributed.get_world_size()
    torch.manual_seed(1)
    x = torch.randn(4 * count, 3, 3, dtype=torch.float64)
    alone, together = Model(loss), DistributedDataParallel(Model(loss))
    alone(x).backward()
    together(x[rank::count]).backward()
    found, wanted = ([p.grad for p in m.parameters()] for m in (together, alone))
    own = Model(loss)
    own(x[rank::count]).backward()
    return {
        "distance": distance(found, wanted),
        "apart": distance([p.grad for p in own.parameters()], wanted),
    }


def main():
    distributed.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (distributed.get_world_size(),))
    cells = {
        "control": control(mesh),
        "matrix": attempt(split_matrices, mesh),
        "shared first": attempt(partial(shared_argument, first=True), mesh),
        "shared second": attempt(partial(shared_argument, first=False), mesh),
        "plain": attempt(beside_a_plain_tensor, mesh),
        "forward mode": attempt(forward_mode, mesh),
        **{f"DDP {loss}": attempt(averaged, loss) for loss in LOSSES},
        **{f"{p.rule.name} {p.dtype}": attempt(cell, mesh, p) for p in problems(BATCH)},
    }
    if distributed.get_rank() == 0:
        report(cells)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
