"""Learn a matrix through its exponential, the data split over processes:

torchrun --nproc-per-node 2 examples/distributed/torch_ddp.py
"""

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

import gradrules as gr


class Flow(torch.nn.Module):
    """Carries a point along the flow of ``x' = A x`` for some time."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.zeros(3, 3, dtype=torch.float64))

    def forward(self, x, t):
        return (gr.expm(t[:, None, None] * self.a) @ x[..., None])[..., 0]


def data(count):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(count, 3, dtype=torch.float64, generator=random)
    t = torch.rand(count, dtype=torch.float64, generator=random)
    true = torch.tensor([[-0.5, 2.0, 0.0], [-2.0, -0.5, 0.3], [0.0, 0.0, -1.0]]).double()
    return x, t, (torch.linalg.matrix_exp(t[:, None, None] * true) @ x[..., None])[..., 0]


def learn(model, x, t, y, steps=20):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(x, t) - y) ** 2).sum(-1).mean()
        loss.backward()
        optimizer.step()
    return model


def main():
    distributed.init_process_group("gloo")
    rank, count = distributed.get_rank(), distributed.get_world_size()
    everything = data(8 * count)
    own = [part[rank::count] for part in everything]

    # DDP averages the gradients of all processes; each process differentiates its own matrices.
    together = learn(DistributedDataParallel(Flow()), *own).module

    alone = learn(Flow(), *everything)
    difference = (together.a - alone.a).abs().max().item()
    if rank == 0:
        print(f"learned on {count} processes:\n{together.a.detach().numpy().round(3)}")
        print(f"difference from one process: {difference:.1e}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
