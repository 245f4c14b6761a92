"""A training script that knows nothing of gradrules."""

import torch


class Map(torch.nn.Module):
    """A linear map that shall keep areas."""

    def __init__(self, start):
        super().__init__()
        self.matrix = torch.nn.Parameter(torch.tensor(start))

    def forward(self):
        return torch.mean((torch.linalg.det(self.matrix) - 1) ** 2)


def train(start, steps=150):
    model, losses = Map(start), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
