"""Time and peak memory of making pseudo-bulk of a .h5ad as large as asked: writes cells as anndata does and has `phenocopy check` read them.

    python benches/h5ad.py 200000 [FOLDER] [csr|csc]      needs anndata; a target/release/phenocopy

Cells × 5,000 genes, 5 % of them seen in a cell; 1,000 perturbations in two cell lines, in random order; a tenth of the cells are
controls. The file is not compressed.
"""

import multiprocessing, pathlib, sys, tempfile

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from measured import measured

GENES, SEEN, PERTURBATIONS, BLOCK = 5_000, 250, 1_000, 10_000
RECIPE = """
name = "large"
readout = "gene"
[[assay]]
file = "large.h5ad"
layout = "h5ad"
type = "crispr-knockout"
context = "{cell_line}"
[assay.samples]
perturbation = "{perturbation}"
collapse = "mean"
controls = ["control"]
values = "counts"
min_samples = 5
"""


def block(random, n):
    genes = np.sort(random.integers(0, GENES // SEEN, (n, SEEN)) + np.arange(0, GENES, GENES // SEEN))
    counts = random.integers(1, 20, n * SEEN).astype("f4")
    return sp.csr_matrix((counts, genes.ravel().astype("i4"), np.arange(0, n * SEEN + 1, SEEN)), (n, GENES))


def write(folder, n, kind):
    random = np.random.default_rng(17)
    names = np.array(["control"] + [f"GENE{at}" for at in range(PERTURBATIONS)])
    drawn = random.integers(1, PERTURBATIONS + 1, n) * (random.random(n) > 0.1)
    obs = pd.DataFrame(
        {"perturbation": pd.Categorical(names[drawn]), "cell_line": pd.Categorical(np.array(["K562", "RPE1"])[random.integers(0, 2, n)])},
        index=[f"CELL{at}" for at in range(n)],
    )
    var = pd.DataFrame(index=[f"GENE{at}" for at in range(GENES)])
    if kind == "csc":
        whole = sp.vstack([block(random, min(BLOCK, n - start)) for start in range(0, n, BLOCK)])
        return anndata.AnnData(whole.tocsc(), obs=obs, var=var).write_h5ad(folder / "large.h5ad")
    anndata.AnnData(block(random, 0), var=var).write_h5ad(folder / "large.h5ad")
    with h5py.File(folder / "large.h5ad", "a") as file:
        matrix = anndata.io.sparse_dataset(file["X"])
        for start in range(0, n, BLOCK):
            matrix.append(block(random, min(BLOCK, n - start)))
        anndata.io.write_elem(file, "obs", obs)


def main():
    n, kind = int(sys.argv[1]), sys.argv[3] if len(sys.argv) > 3 else "csr"
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as home:
        folder = pathlib.Path(home)
        # In a process of its own: the peak of a child counts what its parent held.
        writer = multiprocessing.get_context("spawn").Process(target=write, args=(folder, n, kind))
        writer.start()
        writer.join()
        (folder / "large.toml").write_text(RECIPE)
        seconds, _, peak = measured(["target/release/phenocopy", "check", folder / "large.toml"])
        print(f"{n} cells, {kind}: {seconds:.1f} s, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
