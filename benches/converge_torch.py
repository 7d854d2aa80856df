"""The published LPM in PyTorch on random batches, for `cargo bench --bench convergence`.

usage: converge_torch.py FOLDER N_CONTEXTS N_PERTURBATIONS N_READOUTS EMBEDDING_SCALE EPOCHS
FOLDER holds `training` and `held-out`: contexts, perturbations, readouts (int32), values (float32).
Prints epochs, seconds of training and the RMSE on the held-out entries after each doubling."""

import os
import sys
import time

import torch
from torch import nn

BATCH, DIM, HIDDEN, DROPOUT = 1_000, 128, 256, 0.1


class PerturbationModel(nn.Module):
    """Three embedding tables, two hidden layers with dropout, one output."""

    def __init__(self, sizes: list[int], scale: float):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, DIM) for size in sizes)
        self.layers = nn.Sequential(
            *(nn.Linear(3 * DIM, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT)),
            *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPOUT)),
            nn.Linear(HIDDEN, 1),
        )
        for table in self.tables:
            nn.init.normal_(table.weight, std=scale)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("relu"))

    def forward(self, items):
        embeddings = [table(item) for table, item in zip(self.tables, items)]
        return self.layers(torch.cat(embeddings, dim=1)).squeeze(1)


def read(path: str):
    with open(path, "rb") as file:
        content = bytearray(file.read())
    n = len(content) // 16
    items = [torch.frombuffer(content, dtype=torch.int32, count=n, offset=4 * n * i) for i in range(3)]
    return [item.long() for item in items], torch.frombuffer(content, dtype=torch.float32, count=n, offset=12 * n)


def main() -> None:
    folder, sizes = sys.argv[1], [int(size) for size in sys.argv[2:5]]
    scale, epochs = float(sys.argv[5]), int(sys.argv[6])
    torch.manual_seed(13)
    items, values = read(os.path.join(folder, "training"))
    held_items, held_values = read(os.path.join(folder, "held-out"))
    model = PerturbationModel(sizes, scale)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, gamma=0.97)
    seconds = 0.0
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        model.train()
        for batch in torch.randperm(len(values)).split(BATCH):
            loss = nn.functional.mse_loss(model([item[batch] for item in items]), values[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        seconds += time.perf_counter() - start
        if epoch & (epoch - 1) == 0 or epoch == epochs:
            model.eval()
            with torch.no_grad():
                parts = [held_values[i : i + 10_000] - model([h[i : i + 10_000] for h in held_items]) for i in range(0, len(held_values), 10_000)]
            rmse = torch.cat(parts).square().mean().sqrt().item()
            name = f"PyTorch, at random, {'' if scale == 1 else f'{scale:g} '}N(0,1)"
            print(f"{name:<32} {epoch:>6}  {seconds:>7.1f}  {rmse:.3f}", flush=True)


if __name__ == "__main__":
    main()
