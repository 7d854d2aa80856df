"""Training throughput of the published LPM in PyTorch on the processor, for `cargo bench --bench training`.

usage: train_torch.py EMBEDDING_DIM HIDDEN BATCH DROPOUT SECONDS THREADS
prints the median of observations per second over full steps (batch, forward, backward, AdamW)."""

import statistics
import sys
import time

import torch
from torch import nn

N_PERTURBATIONS, N_READOUTS, N_CONTEXTS = 10_000, 978, 100


class PerturbationModel(nn.Module):
    """Three embedding tables, two hidden layers with dropout, one output."""

    def __init__(self, dim: int, hidden: int, dropout: float):
        super().__init__()
        sizes = (N_CONTEXTS, N_PERTURBATIONS, N_READOUTS)
        self.tables = nn.ModuleList(nn.Embedding(size, dim) for size in sizes)
        self.layers = nn.Sequential(
            *(nn.Linear(3 * dim, hidden), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(hidden, 1),
        )

    def forward(self, items):
        embeddings = [table(item) for table, item in zip(self.tables, items)]
        return self.layers(torch.cat(embeddings, dim=1)).squeeze(1)


def main() -> None:
    dim, hidden, batch = (int(argument) for argument in sys.argv[1:4])
    dropout, seconds, threads = float(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = PerturbationModel(dim, hidden, dropout)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.01)
    rates, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(rates) < 5:
        sizes = (N_CONTEXTS, N_PERTURBATIONS, N_READOUTS)
        items = [torch.randint(size, (batch,)) for size in sizes]
        values = torch.randn(batch)
        start = time.perf_counter()
        loss = nn.functional.mse_loss(model(items), values)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.append(batch / (time.perf_counter() - start))
    # The first steps allocate.
    print(f"{statistics.median(rates[2:]):.0f}")


if __name__ == "__main__":
    main()
