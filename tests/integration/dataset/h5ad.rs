use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
use phenocopy::table::{
    FileForm, H5adFile, H5adLayout, H5adPart, H5adWriter, Value, ValueType, ValuesForm, Wanted,
    file_form,
};

use super::symbols;

/// One screen of twelve cells as anndata 0.12 writes it dense, CSR and CSC, and files as older versions wrote; the
/// program prints what the tests expect.
///
/// ```python
/// import anndata, h5py, numpy as np, pandas as pd, scipy.sparse as sp
/// genes = ["BRAF", "MDM2", "EGFR", "TP53", "HLA-A"]
/// rows = [  # condition, cell_type, dose, batch, counts
///     ("ctrl", "K562", 1, "b1", [2, 0, 8, 10, 0]),
///     ("ctrl", "K562", 1, "b2", [6, 4, 20, 10, 0]),
///     ("BRAF+ctrl", "K562", 1, "b1", [0, 1, 4, 5, 0]),
///     ("ctrl+BRAF", "K562", 1, "b2", [0, 3, 1, 12, 0]),
///     ("BRAF+MDM2", "K562", 1, "b1", [1, 0, 0, 7, 0]),
///     ("MDM2+BRAF", "K562", None, "b1", [0, 0, 2, 6, 8]),
///     ("ctrl", "A549", 1, "b1", [5, 5, 5, 5, 0]),
///     ("ctrl", "A549", 1, "b1", [1, 0, 0, 9, 0]),
///     ("MDM2+ctrl", "A549", 10, "b1", [4, 0, 0, 12, 0]),
///     ("MDM2+ctrl", "A549", 10, "b1", [4, 1, 0, 12, 15]),
///     ("EGFR+ctrl", "A549", 10, None, [0, 0, 0, 3, 0]),
///     ("EGFR+ctrl", "A549", 10, "b1", [0, 0, 0, 0, 0]),
/// ]
/// counts = np.array([row[4] for row in rows], dtype="f4")
/// obs = pd.DataFrame({
///     "condition": pd.Categorical([row[0] for row in rows]),
///     "cell_type": pd.Categorical([row[1] for row in rows]),
///     "dose_value": pd.array([row[2] for row in rows], dtype="Int64"),
///     "dose_unit": ["µM"] * 12,
///     "batch": pd.Categorical([row[3] for row in rows]),
///     "is_singlet": pd.array([None if at == 5 else at != 4 for at in range(12)], dtype="boolean"),
/// }, index=["cell"] * 6 + [f"cell{at}" for at in range(6)])  # names of cells may repeat
/// var = pd.DataFrame({"gene_id": ["ENSG157764", "ENSG135679", "ENSG146648", "ENSG141510", "ENSG206503"]}, index=genes)
/// scaled = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * 1e4
/// data = anndata.AnnData(counts, obs=obs, var=var, layers={"log": np.log1p(scaled)})
/// data.write_h5ad("dense.h5ad")
/// data = anndata.AnnData(sp.csr_matrix(counts), obs=obs, var=var)
/// data.raw = anndata.AnnData(sp.csr_matrix(counts * 2), obs=obs, var=var.set_index("gene_id"))
/// data.write_h5ad("csr.h5ad")
/// del data.raw
/// data.write_h5ad("lzf.h5ad", compression="lzf")
/// anndata.AnnData(sp.csc_matrix(counts.astype("i4")), obs=obs[["condition", "cell_type"]], var=var).write_h5ad("csc.h5ad", compression="gzip")
/// anndata.AnnData(counts.T, obs=var, var=obs[["condition", "cell_type"]].reset_index(drop=True).rename(index=str)).write_h5ad("turned.h5ad")
/// # As anndata 0.7 wrote, and as the pseudo-bulk files of Replogle et al. 2022 are.
/// with h5py.File("bulk.h5ad", "w") as file:
///     file.create_dataset("X", data=np.array([[0.5, -1, np.inf, 2], [1.5, -3, 1, np.nan], [0, 0.25, 0, 0], [9, 9, 9, 9]], dtype="f4"))
///     file["obs/gene_transcript"] = np.array(["10_BRAF_P1P2_ENSG157764", "11_BRAF_P2_ENSG157764", "12_TP53_P1_ENSG141510", "13_non-targeting_non-targeting_non-targeting"], dtype="S")
///     file["obs/num_cells_filtered"] = np.array([30.0, 40.0, np.nan, 100.0])
///     file["obs/core_control"] = np.array([False, False, False, True])
///     file["obs"].attrs["_index"] = "gene_transcript"
///     file["var/gene_id"] = np.array(["ENSG1", "ENSG2", "ENSG3", "ENSG4"], dtype=h5py.string_dtype())
///     file["var/__categories/gene_name"] = np.array(["EGFR", "HBG1", "nan"], dtype=h5py.string_dtype())
///     file["var/gene_name"] = np.array([0, 1, 2, -1], dtype="i1")
///     file["var"].attrs["_index"] = "gene_id"
/// # As anndata 0.6 wrote.
/// with h5py.File("records.h5ad", "w") as file:
///     file["X"] = counts
///     file["obs"] = np.array([("c1", 1)], dtype=[("index", "S4"), ("condition", "i4")])
///     file["var"] = np.array([("BRAF",)], dtype=[("index", "S4")])
///
/// def agents(text):
///     return "+".join(sorted(set(text.split("+")) - {"ctrl"}))
/// groups = pd.Series([f"{row[1]} {agents(row[0])}" for row in rows])
/// has_counts = counts.sum(axis=1) > 0
/// def means(values):
///     return {group: values[np.array(groups == group)].mean(axis=0) for group in groups.unique()}
/// def contrast(means):
///     return {g: m - means[g.split(" ")[0] + " "] for g, m in sorted(means.items()) if not g.endswith(" ")}
/// def means_of(values, keep): return {g: values[np.array(groups == g) & keep].mean(axis=0) for g in groups.unique()}
/// log2 = {g: np.log2(m + 1) for g, m in means_of(scaled.astype("f8"), has_counts).items()}
/// for title, c in [("counts", contrast(log2)), ("log", contrast(means(np.log1p(scaled).astype("f8"))))]:
///     print(title)
///     for g, v in c.items(): print("   ", g, np.round(v, 5).tolist())
/// ```
const MAKES: [&str; 3] = ["dense.h5ad", "csr.h5ad", "csc.h5ad"];

fn fixture(name: &str) -> PathBuf {
    super::repository().join("tests/fixtures/formats").join(name)
}

/// The columns as GEARS calls them.
const GEARS: &str = "type = \"crispr-knockout\"\ncontext = \"{cell_type}\"\n[assay.samples]\n\
    perturbation = \"{condition}\"\ncollapse = \"mean\"\ncontrols = [\"ctrl\"]\n";

pub(super) fn read(file: &Path, keys: &str) -> phenocopy::Result<Dataset> {
    let recipe = format!(
        "name = \"small\"\nreadout = \"gene\"\n[[assay]]\nfile = '{}'\nlayout = \"h5ad\"\n{keys}\n",
        file.display()
    );
    let recipe = Recipe::parse(&recipe, "small.toml".as_ref())?;
    Dataset::from_recipe(&recipe, Path::new("."), &DatasetOptions::default())
}

fn read_fixture(name: &str, keys: &str) -> Dataset {
    read(&fixture(name), keys).unwrap()
}

fn refusal(name: &str, keys: &str) -> String {
    read(&fixture(name), keys).unwrap_err().to_string()
}

/// Each profile with its context.
pub(super) fn profiles(dataset: &Dataset) -> Vec<(String, Vec<f32>)> {
    let profile = |at: usize| {
        let key = dataset.profiles.keys()[at];
        let context = &dataset.contexts[key.context as usize].0;
        let symbol = dataset.perturbations[key.perturbation as usize].symbol();
        (format!("{context} {symbol}"), dataset.profiles.row(at))
    };
    (0..dataset.profiles.n_profiles()).map(profile).collect()
}

/// Readouts stand in alphabetical order: BRAF, EGFR, HLA-A, MDM2, TP53; the program prints those of the file.
pub(super) fn assert_profiles(
    received: &[(String, Vec<f32>)],
    expected: &[(&str, [f32; 5])],
    of: &str,
) {
    let names: Vec<&str> = received.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, expected.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "{of}");
    for ((name, values), (_, [braf, mdm2, egfr, tp53, hla])) in received.iter().zip(expected) {
        let expected = [braf, egfr, hla, mdm2, tp53];
        let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 2e-5 * b.abs().max(1.0);
        assert!(values.iter().zip(expected).all(is_close), "{of}: {name}: {values:?}");
    }
}

#[test]
fn counts_become_log_fold_changes_against_the_controls_of_their_context() {
    let expected = [
        ("K562 CRISPR-KO_BRAF", [-10.28887, 1.52168, -0.96017, 0.73681, 0.0]),
        ("K562 CRISPR-KO_BRAF+MDM2", [-0.99885, -8.96867, -2.84601, 0.73681, 11.28829]),
        ("A549 CRISPR-KO_EGFR", [-10.77396, -10.28887, -10.28887, 0.79826, 0.0]),
        ("A549 CRISPR-KO_MDM2", [0.09948, -2.99195, -10.28887, -0.0317, 11.19522]),
    ];
    for make in MAKES {
        let dataset = read_fixture(make, &format!("{GEARS}values = \"counts\""));
        let mut received = profiles(&dataset);
        received.sort_by(|(one, _), (other, _)| (&other[..4], one).cmp(&(&one[..4], other)));
        assert_profiles(&received, &expected, make);
        let report = dataset.report.to_string();
        assert!(report.contains("1 samples without counts are left out"), "{make}: {report}");
    }
}

#[test]
fn logarithms_become_differences_from_the_controls() {
    let dataset = read_fixture("dense.h5ad", &format!("layer = \"log\"\n{GEARS}values = \"log\""));
    let mut received = profiles(&dataset);
    received.sort_by(|(one, _), (other, _)| one.cmp(other));
    let expected = [
        ("A549 CRISPR-KO_EGFR", [-7.3666, -3.91222, -3.91222, -3.85955, 0.0]),
        ("A549 CRISPR-KO_MDM2", [0.11147, -1.03832, -3.91222, 0.11152, 4.22643]),
        ("K562 CRISPR-KO_BRAF", [-7.11132, 3.76845, -1.03902, 0.54917, 0.0]),
        ("K562 CRISPR-KO_BRAF+MDM2", [-3.54547, -3.45438, -4.84, 0.48243, 4.2587]),
    ];
    assert_profiles(&received, &expected, "log");
}

#[test]
fn relative_values_keep_their_means_and_lose_their_controls() {
    let dataset = read_fixture("csr.h5ad", &format!("{GEARS}values = \"relative\""));
    assert_eq!(
        symbols(&dataset),
        ["CRISPR-KO_BRAF", "CRISPR-KO_BRAF+MDM2", "CRISPR-KO_EGFR", "CRISPR-KO_MDM2"]
    );
    let received = profiles(&dataset);
    let (_, braf) = received.iter().find(|(name, _)| name == "K562 CRISPR-KO_BRAF").unwrap();
    assert_eq!(braf, &[0.0, 2.5, 0.0, 2.0, 8.5], "BRAF, EGFR, HLA-A, MDM2, TP53");
}

#[test]
fn the_raw_matrix_and_another_column_of_names_are_read() {
    let keys = "layer = \"raw/X\"\ntype = \"crispr-knockout\"\ncontext = \"cells\"\n\
                [assay.samples]\nperturbation = \"{condition} {batch}\"\nfilter = [{ column = \"condition\", values = [\"BRAF+MDM2\"] }]";
    let dataset = read_fixture("csr.h5ad", keys);
    let readouts: Vec<&str> = dataset.readouts.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(readouts, ["ENSG135679", "ENSG141510", "ENSG146648", "ENSG157764", "ENSG206503"]);
    assert_eq!(dataset.profiles.row(0), [0.0, 14.0, 0.0, 2.0, 0.0]);
    let keys = keys.replace("layer = \"raw/X\"", "readout_column = \"gene_id\"");
    assert_eq!(read_fixture("csr.h5ad", &keys).profiles.row(0), [0.0, 7.0, 0.0, 1.0, 0.0]);
    let message = refusal("csr.h5ad", &keys.replace("gene_id", "gene_ids"));
    assert!(message.contains("did you mean `gene_id`?"), "{message}");
    let message =
        refusal("csr.h5ad", &keys.replace("readout_column = \"gene_id\"", "layer = \"raw\""));
    assert!(
        message.contains("a matrix `layers/raw`") && message.contains("the `layer`"),
        "{message}"
    );
}

#[test]
fn cells_are_filtered_by_numbers_doses_and_booleans_that_may_be_missing() {
    let n_read = |filter: &str| {
        let keys = format!("{GEARS}values = \"relative\"\nfilter = [{filter}]");
        let dataset = read_fixture("dense.h5ad", &keys);
        (symbols(&dataset).len(), dataset.report.to_string())
    };
    let (n, report) = n_read("{ column = \"dose_value\", at_most = \"5 uM\" }");
    assert_eq!(n, 2, "{report}");
    assert!(report.contains("1 rows do not know `dose_value`"), "{report}");
    assert!(report.contains("5 of 12 samples are not in"), "{report}");
    let (n, report) = n_read("{ column = \"is_singlet\", values = [\"False\"] }");
    assert_eq!(n, 1, "{report}");
    let (n, _) = n_read("{ column = \"batch\", values = [\"b2\"] }");
    assert_eq!(n, 1);
}

#[test]
fn a_condition_of_too_few_cells_is_left_out_with_a_reason() {
    let keys = format!(
        "{GEARS}values = \"counts\"\nmin_samples = 2\nfilter = [{{ column = \"dose_value\", at_least = \"0 uM\" }}]"
    );
    let dataset = read_fixture("dense.h5ad", &keys);
    assert_eq!(symbols(&dataset), ["CRISPR-KO_BRAF", "CRISPR-KO_MDM2"]);
    let dropped = dataset.report.dropped.iter().map(|of| (&*of.perturbation, &*of.reason));
    let mut dropped: Vec<(&str, &str)> = dropped.collect();
    dropped.sort_unstable();
    let reason = "1 samples, fewer than 2";
    // Of the two cells without EGFR one has no counts.
    assert_eq!(dropped, [("CRISPR-KO_BRAF+MDM2", reason), ("CRISPR-KO_EGFR", reason)]);
}

#[test]
fn cells_without_counts_do_not_make_up_the_least_number_of_samples() {
    let (full, other) = ([5.0, 5.0, 10.0], [2.0, 6.0, 2.0]);
    let cells = |control, knockout| {
        let cells = [("ctrl", full), ("ctrl", control), ("BRAF", other), ("BRAF", knockout)];
        read_counts(&cells, "min_samples = 2").map_err(|error| error.to_string())
    };
    assert_eq!(symbols(&cells(full, other).unwrap()), ["CRISPR-KO_BRAF"]);
    let message = cells(full, [0.0; 3]).unwrap_err();
    assert!(message.contains("no perturbation of its assay has 2 samples"), "{message}");
    let message = cells([0.0; 3], other).unwrap_err();
    assert!(message.contains("fewer than 2 samples of its controls"), "{message}");
}

fn write_cells(path: &Path, cells: &[(&str, [f32; 3])]) {
    let layout = H5adLayout {
        n_rows: cells.len(),
        columns: &[("cell", ValueType::Text), ("condition", ValueType::Text)],
        variables: &[("BRAF", ""), ("MDM2", ""), ("JUNK", "")],
        embedding: ("X_pca", 1),
        facts: &[],
    };
    let mut writer = H5adWriter::create(path, &layout).unwrap();
    for (condition, counts) in cells {
        let cell = ["cell", condition].map(|text| Value::Text(text.to_owned()));
        writer.push(&cell, counts, &[0.0]).unwrap();
    }
    writer.finish().unwrap();
}

/// Reads counts of cells in one context, of which `JUNK` is no wanted readout.
fn read_counts(cells: &[(&str, [f32; 3])], keys: &str) -> phenocopy::Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    let (file, names) = (folder.path().join("cells.h5ad"), folder.path().join("genes.csv"));
    write_cells(&file, cells);
    fs::write(&names, "from,to\nBRAF,BRAF\nMDM2,MDM2\n").unwrap();
    let keys = format!(
        "readout_names = {{ file = '{}', from = \"from\", to = \"to\", unnamed = \"drop\" }}\n{}values = \"counts\"\n{keys}",
        names.display(),
        GEARS.replace("{cell_type}", "cells"),
    );
    read(&file, &keys)
}

#[test]
fn a_negative_count_is_refused_though_its_readout_is_not_wanted() {
    let control = ("ctrl", [5.0, 5.0, 10.0]);
    for wrong in [[1.0, 2.0, -5.0], [-5.0, f32::NAN, 1.0], [f32::NAN, 1.0, -5.0]] {
        let message = read_counts(&[control, ("BRAF", wrong)], "").unwrap_err().to_string();
        assert!(message.contains("context `cells`: -5 among its counts"), "{message}");
    }
    let filter = "filter = [{ column = \"condition\", values = [\"ctrl\", \"BRAF\"] }]";
    let cells = [control, ("BRAF", [1.0, 3.0, 1.0]), ("MDM2", [1.0, 1.0, -5.0])];
    assert!(read_counts(&cells, filter).is_ok(), "a cell that is not read");
}

#[test]
fn what_is_no_number_among_counts_is_missing_with_a_notice() {
    let cells = [
        ("ctrl", [5.0, 2.0, 13.0]),
        ("BRAF", [1.0, 1.0, f32::NAN]),
        ("BRAF", [2.0, f32::INFINITY, 2.0]),
    ];
    let dataset = read_counts(&cells, "").unwrap();
    let report = dataset.report.to_string();
    let notice = "2 samples have NaN or infinite values among their counts: missing, and not part of their depth";
    assert!(report.contains(notice), "{report}");
    // Half of the depth of both cells is at BRAF, and at MDM2 half of that of the one that knows it.
    let [braf, mdm2] = dataset.profiles.row(0)[..] else { panic!("two readouts") };
    let against = |of_control: f32| (5001.0_f32).log2() - (of_control + 1.0).log2();
    assert!((braf - against(2500.0)).abs() < 1e-4, "{braf}");
    assert!((mdm2 - against(1000.0)).abs() < 1e-4, "{mdm2}");
    let report = read_counts(&[cells[0], ("BRAF", [1.0; 3])], "").unwrap().report.to_string();
    assert!(!report.contains("among their counts"), "{report}");
}

#[test]
fn controls_must_be_there_and_counts_not_negative() {
    let keys = format!("{GEARS}values = \"counts\"");
    let message = refusal("dense.h5ad", &keys.replace("[\"ctrl\"]", "[\"control\"]"));
    assert!(message.contains("context `K562`") && message.contains("`control`"), "{message}");
    let message = refusal("dense.h5ad", &format!("{keys}\nmin_samples = 3"));
    assert!(message.contains("no perturbation of its assay has 3 samples"), "{message}");
    let batch = "min_samples = 2\nfilter = [{ column = \"batch\", values = [\"b1\"] }]";
    let message = refusal("dense.h5ad", &format!("{keys}\n{batch}"));
    assert!(message.contains("fewer than 2 samples of its controls"), "{message}");
    let bulk = "type = \"crispr-knockout\"\ncontext = \"K562\"\n[assay.samples]\nperturbation = \"{gene_transcript}\"\n\
                cut_at = \"_\"\npart = 2\ncollapse = \"mean\"\ncontrols = [\"non-targeting\"]\nvalues = \"counts\"";
    let message = refusal("bulk.h5ad", bulk);
    assert!(message.contains("-1 among its counts"), "{message}");
    for (from, to, part) in [
        ("values = \"counts\"", "", "`samples.controls` goes with `samples.values`"),
        ("collapse = \"mean\"\n", "", "`samples.collapse`"),
        ("\"mean\"", "\"median\"", "collapsed by `mean`"),
        ("[assay.samples]", "[assay.samples]\nfile = \"a.csv\"", "the sample table is `obs`"),
        ("[assay.samples]", "[assay.samples]\npart = 2", "`samples.part`"),
    ] {
        let message = refusal("dense.h5ad", &keys.replace(from, to));
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn pseudo_bulk_of_anndata_07_is_read_as_replogle_published_it() {
    let keys = "readout_column = \"gene_name\"\ntype = \"crispr-knockout\"\ncontext = \"K562\"\n[assay.samples]\nperturbation = \"{gene_transcript}\"\n\
                cut_at = \"_\"\npart = 2\ncollapse = \"mean\"\ncontrols = [\"non-targeting\"]\nvalues = \"relative\"";
    let dataset = read_fixture("bulk.h5ad", keys);
    assert_eq!(symbols(&dataset), ["CRISPR-KO_BRAF", "CRISPR-KO_TP53"]);
    let readouts: Vec<&str> = dataset.readouts.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(readouts, ["EGFR", "ENSG3", "ENSG4", "HBG1"], "genes without a name keep their id");
    assert_eq!(dataset.profiles.row(0), [1.0, 1.0, 2.0, -2.0]);
    let report = dataset.report.to_string();
    assert!(report.contains("K562: 1 infinite values are taken for missing ones"), "{report}");
    let keys = format!("{keys}\nfilter = [{{ column = \"num_cells_filtered\", at_least = 35 }}]");
    let dataset = read_fixture("bulk.h5ad", &keys);
    assert_eq!(dataset.profiles.row(0)[..3], [1.5, 1.0, -3.0], "the second transcript only");
    assert!(dataset.report.to_string().contains("1 rows do not know `num_cells_filtered`"));
}

#[test]
fn what_lies_the_other_way_round_or_is_too_old_is_refused_with_advice() {
    let message = refusal("turned.h5ad", &format!("{GEARS}values = \"counts\""));
    assert!(message.contains("`condition` in `var`") && message.contains("adata.T"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("genes.csv"), "from,to\nENSG157764,BRAF\n").unwrap();
    let keys = format!(
        "readout_names = {{ file = '{}', from = \"from\", to = \"to\", unnamed = \"drop\" }}\n\
         type = \"compound\"\ncontext = \"x\"\n[assay.samples]\nperturbation = \"{{gene_id}}\"",
        folder.path().join("genes.csv").display()
    );
    let message = refusal("turned.h5ad", &keys.replace("ENSG", ""));
    assert!(message.contains("none of its 12 readouts"), "{message}");
    fs::write(folder.path().join("genes.csv"), "from,to\nMDM2,MDM2\n").unwrap();
    let message = refusal("turned.h5ad", &keys);
    assert!(message.contains("1 of the wanted readouts in `obs`"), "{message}");
    let message = refusal("records.h5ad", GEARS.split("controls").next().unwrap());
    assert!(
        message.contains("a dataset of records") && message.contains("current anndata"),
        "{message}"
    );
    let message = refusal("cmappy.gctx", GEARS.split("controls").next().unwrap());
    assert!(message.contains("an AnnData file with `obs`"), "{message}");
}

#[test]
fn damaged_files_are_refused_or_read_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5ad");
    let keys = format!("{GEARS}values = \"counts\"");
    for make in MAKES.into_iter().chain(["bulk.h5ad"]) {
        let whole = fs::read(fixture(make)).unwrap();
        for part in 0..24 {
            fs::write(&path, &whole[..whole.len() * part / 24]).unwrap();
            assert!(read(&path, &keys).is_err(), "{make} cut at {part}/24 is read");
        }
        for flip in 0..300 {
            let mut damaged = whole.clone();
            let at = flip * 7919 % damaged.len();
            damaged[at] ^= 1 << (flip % 8);
            fs::write(&path, &damaged).unwrap();
            let _ = read(&path, &keys);
            let _ = file_form(&path);
        }
    }
}

#[test]
fn a_file_says_what_it_holds() {
    for (make, storage) in MAKES.into_iter().zip(["dense", "CSR", "CSC"]) {
        let FileForm::H5ad(form) = file_form(&fixture(make)).unwrap() else { panic!("h5ad") };
        assert_eq!((form.n_samples, form.n_readouts, form.storage), (12, 5, storage));
        assert_eq!(form.values, ValuesForm::Counts);
        let condition = form.obs_column(&["Perturbation", "Condition"]).unwrap();
        assert_eq!(
            (condition.n_values, condition.controls.as_slice()),
            (7, &["ctrl".to_owned()][..])
        );
    }
}

#[test]
fn missing_values_do_not_hide_that_the_others_are_counts() {
    let of = |counts: [f32; 3]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.h5ad");
        write_cells(&path, &[("ctrl", counts)]);
        let FileForm::H5ad(form) = file_form(&path).unwrap() else { panic!("h5ad") };
        form.values
    };
    assert_eq!(of([f32::NAN, f32::INFINITY, 2.0]), ValuesForm::Counts);
    assert_eq!(of([f32::NEG_INFINITY, 0.5, 2.0]), ValuesForm::Positive);
    assert_eq!(of([f32::NAN, 0.5, -2.0]), ValuesForm::Signed);
}

/// Writes two cells whose nullable `condition` has a mask of so many.
fn write_masked(path: &Path, n_masked: usize) -> rust_hdf5::Result<()> {
    let file = rust_hdf5::H5File::create(path)?;
    file.new_dataset::<f32>().shape([2, 2]).create("X")?.write_raw(&[1.0_f32, 2.0, 4.0, 3.0])?;
    for (frame, names) in [("obs", &["a", "b"][..]), ("var", &["BRAF", "EGFR"])] {
        let frame = file.create_group(frame)?;
        frame.set_attr_string("_index", "name")?;
        frame.write_vlen_strings("name", names)?;
    }
    let condition = file.create_group("obs/condition")?;
    condition.write_vlen_strings("values", &["MDM2", "TP53"])?;
    let mask = vec![rust_hdf5::types::HBool::from(false); n_masked];
    condition
        .new_dataset::<rust_hdf5::types::HBool>()
        .shape([n_masked])
        .create("mask")?
        .write_raw(&mask)?;
    file.close()
}

#[test]
fn a_mask_of_another_length_than_its_column_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("masked.h5ad");
    let keys = "type = \"crispr-knockout\"\ncontext = \"x\"\n[assay.samples]\nperturbation = \"{condition}\"";
    write_masked(&path, 2).unwrap();
    assert_eq!(symbols(&read(&path, keys).unwrap()), ["CRISPR-KO_MDM2", "CRISPR-KO_TP53"]);
    for n_masked in [1, 3] {
        write_masked(&path, n_masked).unwrap();
        let message = read(&path, keys).unwrap_err().to_string();
        assert!(message.contains("expected 2 values in `obs/condition/mask`"), "{message}");
    }
}

#[test]
fn rows_are_read_alike_however_they_are_stored() {
    let rows = |make: &str| {
        let file = H5adFile::open(&fixture(make), H5adPart::default()).unwrap();
        let wanted = Wanted { readout: &|name| name != "TP53", ..Wanted::ALL };
        let mut rows = Vec::new();
        let chosen = file.select(wanted).unwrap();
        let all = chosen.for_each_sample(|cell| {
            rows.push((cell.values.to_vec(), cell.total));
            Ok(())
        });
        all.unwrap();
        rows
    };
    let dense = rows("dense.h5ad");
    assert_eq!(dense[9], (vec![4.0, 1.0, 0.0, 15.0], 32.0));
    assert_eq!((dense.len(), rows("csr.h5ad"), rows("csc.h5ad")), (12, dense.clone(), dense));
}

#[test]
fn what_lzf_compressed_is_read_or_refused_as_damaged() {
    let keys = format!("{GEARS}values = \"counts\"");
    let lzf = read_fixture("lzf.h5ad", &keys);
    assert_eq!(profiles(&lzf), profiles(&read_fixture("csr.h5ad", &keys)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5ad");
    let whole = fs::read(fixture("lzf.h5ad")).unwrap();
    for at in (0..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= [0x01, 0x80, 0xff][at % 3];
        fs::write(&path, &damaged).unwrap();
        let _ = read(&path, &keys);
    }
}

#[test]
fn the_recipe_of_replogle_2022_reads_its_layout() {
    let recipe = Recipe::read(super::repository().join("data/replogle-2022.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (file, _) in recipe.files() {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if file.extension().is_some_and(|of| of == "h5ad") {
            fs::copy(fixture("bulk.h5ad"), path).unwrap();
        } else {
            let header =
                "symbol\tname\talias_symbol\tprev_symbol\thgnc_id\tentrez_id\tensembl_gene_id";
            fs::write(path, format!("{header}\nBRAF\tkinase\t\t\tHGNC:1097\t673\tENSG157764\n"))
                .unwrap();
        }
    }
    let dataset = Dataset::from_recipe(&recipe, folder.path(), &DatasetOptions::default()).unwrap();
    let contexts: Vec<&str> = dataset.contexts.iter().map(|c| c.0.as_str()).collect();
    assert_eq!(contexts, ["K562 genome-wide", "K562 essential", "RPE1 essential"]);
    // TP53 does not say how many cells it has.
    assert_eq!(symbols(&dataset), ["CRISPR-KO_BRAF"]);
    assert_eq!(dataset.readouts.len(), 4);
}
