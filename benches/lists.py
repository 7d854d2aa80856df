"""Time and peak memory of making pseudo-bulk of Parquet with lists as large as asked: writes cells as Tahoe-100M is published and has `phenocopy check` read them.

    python benches/lists.py 200000 [FOLDER] [PHENOCOPY]      needs pyarrow; a target/release/phenocopy

Cells × 5,000 genes, 5 % of them seen in a cell, in shards of 30,000 cells; the special token in front; 1,000 perturbations in two cell
lines, in random order; a tenth of the cells are controls. Snappy, dictionaries and row groups of 1,000 rows, as the hub writes.
"""

import multiprocessing, pathlib, sys, tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from measured import measured

GENES, SEEN, PERTURBATIONS, SHARD = 5_000, 250, 1_000, 30_000
RECIPE = """
name = "large"
readout = "gene"
[[assay]]
file = "train-*.parquet"
layout = "lists"
type = "crispr-knockout"
context = "{cell_line}"
columns = { readout = "genes", value = "expressions" }
readout_names = { file = "genes.csv", from = "token_id", to = "gene_symbol", unnamed = "drop" }
[assay.samples]
perturbation = "{perturbation}"
collapse = "mean"
controls = ["control"]
values = "counts"
min_samples = 5
"""


def shard(random, n):
    step = GENES // SEEN
    genes = np.sort(random.integers(0, step, (n, SEEN)) + np.arange(0, GENES, step)) + 3
    counts = random.integers(1, 20, (n, SEEN)).astype("f4")
    genes, counts = np.insert(genes, 0, 1, axis=1), np.insert(counts, 0, -2, axis=1)
    ends = pa.array(np.arange(0, n * (SEEN + 1) + 1, SEEN + 1, dtype="i4"))
    names = np.array(["control"] + [f"GENE{at}" for at in range(PERTURBATIONS)])
    drawn = random.integers(1, PERTURBATIONS + 1, n) * (random.random(n) > 0.1)
    return pa.table({
        "genes": pa.ListArray.from_arrays(ends, pa.array(genes.ravel())),
        "expressions": pa.ListArray.from_arrays(ends, pa.array(counts.ravel())),
        "perturbation": names[drawn],
        "cell_line": np.array(["K562", "RPE1"])[random.integers(0, 2, n)],
    })


def write(folder, n):
    random = np.random.default_rng(17)
    starts = range(0, n, SHARD)
    for at, start in enumerate(starts):
        path = folder / f"train-{at:05}-of-{len(starts):05}.parquet"
        pq.write_table(shard(random, min(SHARD, n - start)), path, row_group_size=1_000)
    lines = [f"{at + 3},GENE{at}" for at in range(GENES)]
    (folder / "genes.csv").write_text("token_id,gene_symbol\n" + "\n".join(lines) + "\n")


def main():
    n = int(sys.argv[1])
    program = sys.argv[3] if len(sys.argv) > 3 else "target/release/phenocopy"
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as home:
        folder = pathlib.Path(home)
        # In a process of its own: the peak of a child counts what its parent held.
        writer = multiprocessing.get_context("spawn").Process(target=write, args=(folder, n))
        writer.start()
        writer.join()
        size = sum(file.stat().st_size for file in folder.glob("*.parquet")) / 2**20
        (folder / "large.toml").write_text(RECIPE)
        seconds, spent, peak = measured([program, "check", folder / "large.toml"])
        print(f"{n} cells, {size:.0f} MiB: {seconds:.1f} s, {spent:.1f} s of processor time, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
