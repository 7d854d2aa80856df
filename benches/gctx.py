"""Time and peak memory of reading a GCTX as large as asked: writes one in CMap's layout and has `phenocopy check` read it.

    python benches/gctx.py 20000 [FOLDER]      needs h5py and numpy; a target/release/phenocopy

Signatures × 12,328 genes (20,000: 1 GB), three replicates of each compound in each of ten cell lines, which MODZ joins;
978 genes are landmarks; the others are zero. The file is neither compressed nor in chunks.
"""

import pathlib, resource, subprocess, sys, tempfile, time

import h5py
import numpy as np

GENES, LANDMARKS, LINES, REPLICATES = 12_328, 978, 10, 3
RECIPE = """
name = "large"
readout = "landmark gene"
readouts = "all"
normalisation = ["unit-scale"]
[[assay]]
file = "large.gctx"
layout = "gctx"
type = "compound"
context = "L1000 {cell_iname}"
readout_names = { file = "genes.tsv", from = "gene_id", to = "gene_symbol", unnamed = "drop", filter = [{ column = "feature_space", values = ["landmark"] }] }
[assay.samples]
file = "signatures.tsv"
id = "sig_id"
perturbation = "{cmap_name}"
collapse = "modz"
"""


def write(folder, n):
    random = np.random.default_rng(17)
    with h5py.File(folder / "large.gctx", "w") as file:
        file.attrs["version"] = "GCTX1.0"
        matrix = file.create_dataset("/0/DATA/0/matrix", (n, GENES), "<f4")
        for start in range(0, n, 1_000):
            rows = min(1_000, n - start)
            matrix[start : start + rows, :LANDMARKS] = random.standard_normal((rows, LANDMARKS))
        file["/0/META/ROW/id"] = np.array([str(gene) for gene in range(GENES)], dtype="S")
        file["/0/META/COL/id"] = np.array([f"S{at}" for at in range(n)], dtype="S")
    with open(folder / "signatures.tsv", "w") as table:
        table.write("sig_id\tcmap_name\tcell_iname\n")
        for at in range(n):
            condition = at // REPLICATES
            table.write(f"S{at}\tcompound-{condition // LINES}\tLINE{condition % LINES}\n")
    with open(folder / "genes.tsv", "w") as table:
        table.write("gene_id\tgene_symbol\tfeature_space\n")
        for gene in range(GENES):
            table.write(f"{gene}\tGENE{gene}\t{'landmark' if gene < LANDMARKS else 'inferred'}\n")
    (folder / "large.toml").write_text(RECIPE)


def main():
    n = int(sys.argv[1])
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as home:
        folder = pathlib.Path(home)
        write(folder, n)
        started = time.time()
        command = ["target/release/phenocopy", "check", folder / "large.toml"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{n} signatures: {time.time() - started:.1f} s, peak {peak:.0f} MiB")


main()
