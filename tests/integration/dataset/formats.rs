use std::fs;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
use phenocopy::table::{GctFile, GctxFile, Measurements, Wanted};

use super::real::shared_data;
use super::symbols;

/// Files of one small screen in every make that is read.
///
/// ```python
/// import h5py, numpy as np, pandas as pd
/// np.string_ = np.bytes_  # cmapPy 4.0.1 was written for numpy 1
/// from cmapPy.pandasGEXpress.GCToo import GCToo
/// from cmapPy.pandasGEXpress import write_gct, write_gctx
/// genes = ["673", "4193", "1956", "7157", "2064"]
/// sigs = ["S1", "S2", "S3", "S4", "S5", "S6"]
/// values = np.array([[s + g / 8 for s in range(6)] for g in range(5)])
/// values[1, 2] = np.nan
/// meta = pd.DataFrame({
///     "pert_iname": ["vorinostat", "vorinostat", "gefitinib", "gefitinib", "DMSO", "gefitinib"],
///     "cell_id": ["A375", "A375", "A375", "MCF7", "A375", "-666"],
///     "pert_idose": ["10 µM", "10 uM", "500 nM", "1 um", "-666", "10 uM"],
///     "distil_ss": [4.5, 3.25, 5.0, 2.0, 0.5, 1.0],
/// }, index=sigs)
/// rows = pd.DataFrame({"pr_gene_symbol": ["BRAF", "MDM2", "EGFR", "TP53", "ERBB2"], "pr_is_lm": [1, 1, 1, 0, 0]}, index=genes)
/// def gctoo(meta):
///     return GCToo(pd.DataFrame(values, index=genes, columns=sigs), row_metadata_df=rows, col_metadata_df=meta)
/// write_gct.write(gctoo(meta), "cmappy.gct")
/// write_gctx.write(gctoo(meta.replace("10 µM", "10 uM")), "cmappy.gctx")
/// def h5(path, matrix, ids, text, **how):
///     with h5py.File(path, "w") as file:
///         file.attrs["version"] = "GCTX1.0"
///         file.create_dataset("0/DATA/0/matrix", data=matrix, **how)
///         file["0/META/ROW/id"] = ids
///         file["0/META/COL/id"] = np.array(sigs, dtype=text)
///         for name in meta:
///             column = meta[name].to_numpy()
///             file["0/META/COL/" + name] = column if column.dtype == float else np.array(list(column), dtype=text)
/// h5("variable-strings.gctx", values.T.astype("f4"), np.array([int(g) for g in genes]), h5py.string_dtype(), chunks=(4, 2), compression="gzip", shuffle=True)
/// h5("readout-rows.gctx", values, np.array(genes, dtype="S"), h5py.string_dtype())
/// ```
const MAKES: [&str; 4] =
    ["cmappy.gct", "cmappy.gctx", "variable-strings.gctx", "readout-rows.gctx"];

fn fixture(name: &str) -> PathBuf {
    super::repository().join("tests/fixtures/formats").join(name)
}

const GENES: &str = "gene_id\tgene_symbol\tfeature_space\n673\tBRAF\tlandmark\n4193\tMDM2\tlandmark\n\
                     1956\tEGFR\tlandmark\n7157\tTP53\tinferred\n2064\tERBB2\tbest inferred\n";

/// Reads a file by a recipe for compounds per cell line on landmark genes.
fn read_screen(file: &Path, keys: &str) -> phenocopy::Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("geneinfo.txt"), GENES).unwrap();
    let layout = if file.to_string_lossy().ends_with("x") { "gctx" } else { "gct" };
    let recipe = format!(
        "name = \"small\"\nreadout = \"landmark gene\"\n[[assay]]\nfile = '{}'\n\
         layout = \"{layout}\"\ntype = \"compound\"\ncontext = \"L1000 {{cell_id}}\"\n\
         readout_names = {{ file = \"geneinfo.txt\", from = \"gene_id\", to = \"gene_symbol\", \
         unnamed = \"drop\", filter = [{{ column = \"feature_space\", values = [\"landmark\"] }}] }}\n\
         [assay.samples]\nperturbation = \"{{pert_iname}}\"\ncollapse = \"mean\"\n{keys}\n",
        file.display()
    );
    let recipe = Recipe::parse(&recipe, &folder.path().join("small.toml"))?;
    Dataset::from_recipe(&recipe, folder.path(), &DatasetOptions::default())
}

const DOSES: &str = "filter = [{ column = \"pert_idose\", at_least = \"0.4 uM\" }]";

fn refusal(file: &Path) -> String {
    read_screen(file, DOSES).unwrap_err().to_string()
}

/// All values; none for missing.
fn values(dataset: &Dataset) -> Vec<Vec<Option<f32>>> {
    let known = |value: f32| Some(value).filter(|value| !value.is_nan());
    let row = |profile| dataset.profiles.row(profile).into_iter().map(known).collect();
    (0..dataset.profiles.n_profiles()).map(row).collect()
}

#[test]
fn one_screen_is_the_same_in_every_make() {
    for make in MAKES {
        let dataset = read_screen(&fixture(make), DOSES).unwrap();
        assert_eq!(symbols(&dataset), ["gefitinib", "vorinostat"], "{make}");
        let contexts: Vec<&str> = dataset.contexts.iter().map(|c| c.0.as_str()).collect();
        assert_eq!(contexts, ["L1000 A375", "L1000 MCF7"], "{make}");
        let readouts: Vec<&str> = dataset.readouts.iter().map(|r| r.0.as_str()).collect();
        assert_eq!(readouts, ["BRAF", "EGFR", "MDM2"], "{make}");
        let expected = [[2.0, 2.25, f32::NAN], [3.0, 3.25, 3.125], [0.5, 0.75, 0.625]];
        let known = expected.map(|row| row.map(|v| (!f32::is_nan(v)).then_some(v)).to_vec());
        assert_eq!(values(&dataset), known, "{make}");
        let notices = dataset.report.to_string();
        for notice in [
            "1 rows do not know `pert_idose`: left out",
            "1 rows name no perturbation or context",
            "2 of 6 samples are not in",
            "2 readouts are not in `geneinfo.txt`: left out",
        ] {
            assert!(notices.contains(notice), "{make}: `{notice}` is not in {notices}");
        }
    }
}

#[test]
fn numbers_of_the_metadata_are_filtered() {
    for make in MAKES {
        let keys = "filter = [{ column = \"distil_ss\", at_least = 3, at_most = 4.5 }]";
        assert_eq!(symbols(&read_screen(&fixture(make), keys).unwrap()), ["vorinostat"], "{make}");
    }
}

#[test]
fn a_column_that_the_metadata_lack_gets_a_suggestion() {
    for make in MAKES {
        let keys = "filter = [{ column = \"distil_s\", at_least = 3 }]";
        let message = read_screen(&fixture(make), keys).unwrap_err().to_string();
        assert!(
            message.contains("did you mean `distil_ss`?") && message.contains(make),
            "{message}"
        );
    }
}

#[test]
fn readouts_are_called_by_a_column_of_the_file_itself() {
    for make in MAKES {
        let layout = if make.ends_with("x") { "gctx" } else { "gct" };
        let recipe = |column: &str| {
            format!(
                "name = \"small\"\nreadout = \"gene\"\n[[assay]]\nfile = '{}'\nlayout = \"{layout}\"\n\
             type = \"compound\"\ncontext = \"x\"\nreadout_column = \"{column}\"\n",
                fixture(make).display()
            )
        };
        let read = |column: &str| {
            let recipe = Recipe::parse(&recipe(column), Path::new("small.toml")).unwrap();
            Dataset::from_recipe(&recipe, Path::new("."), &DatasetOptions::default())
        };
        // The files that h5py wrote have no metadata of readouts.
        let dataset = match (make.starts_with("cmappy"), read("pr_gene_symbol")) {
            (true, dataset) => dataset.unwrap(),
            (false, refused) => {
                let message = refused.unwrap_err().to_string();
                assert!(message.contains("a column `pr_gene_symbol`"), "{make}: {message}");
                continue;
            }
        };
        let readouts: Vec<&str> = dataset.readouts.iter().map(|r| r.0.as_str()).collect();
        assert_eq!(readouts, ["BRAF", "EGFR", "ERBB2", "MDM2", "TP53"], "{make}");
        let message = read("pr_gene_symbl").unwrap_err().to_string();
        assert!(message.contains("did you mean `pr_gene_symbol`?"), "{make}: {message}");
        // Of readouts of one name, nothing says which is meant.
        let message = read("pr_is_lm").unwrap_err().to_string();
        assert!(
            message.contains("are both `1`") && message.contains("readout_column"),
            "{message}"
        );
    }
}

/// A file of this content under a fixture's extension.
fn write(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn gct_is_read_whatever_its_line_ends_mark_and_compression() {
    let text = fs::read_to_string(fixture("cmappy.gct")).unwrap();
    let expected = values(&read_screen(&fixture("cmappy.gct"), DOSES).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    for content in [
        format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes(),
        text.replace("NaN", "-666").into_bytes(),
        text.replace("NaN", "#VALUE!").into_bytes(),
        gzip.finish().unwrap(),
    ] {
        let path = write(&folder, "a.gct", &content);
        assert_eq!(values(&read_screen(&path, DOSES).unwrap()), expected);
    }
}

#[test]
fn a_gct_that_is_not_what_its_head_says_is_refused() {
    let text = fs::read_to_string(fixture("cmappy.gct")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let last = text.trim_end().rfind('\n').unwrap();
    for (content, parts) in [
        (text.replace("#1.3", "name,a"), ["`#1.2` or `#1.3`", "`name,a`"]),
        (text.replace("5\t6\t2\t4", "5\t6"), ["4 counts", "`5\t6`"]),
        (text.replace("5\t6\t2\t4", "5\t7\t2\t4"), ["7 samples", "found 6"]),
        (text.replace("5\t6\t2\t4", "9\t6\t2\t4"), ["9 rows of values", "found 5"]),
        (text[..last].to_owned(), ["5 rows of values", "found 4"]),
        (text.replace("1.2500", "high"), ["line 10, column `S2`", "`high`"]),
        (text.replace("1956", "673"), ["each readout once", "`673`"]),
        (text.replace("S6", "S1"), ["sample `S1`", "S1"]),
        (text[..40].to_owned(), ["a.gct", "expected"]),
        (String::new(), ["a.gct", "`#1.2` or `#1.3`"]),
    ] {
        let message = refusal(&write(&folder, "a.gct", content.as_bytes()));
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
    }
}

#[test]
fn an_error_in_a_row_that_is_not_wanted_is_no_error() {
    let text = fs::read_to_string(fixture("cmappy.gct")).unwrap().replace("4.3750", "high");
    let folder = tempfile::tempdir().unwrap();
    assert!(read_screen(&write(&folder, "a.gct", text.as_bytes()), DOSES).is_ok());
}

#[test]
fn what_is_no_hdf5_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read(fixture("cmappy.gct")).unwrap();
    let message = refusal(&write(&folder, "a.gctx", &text));
    assert!(message.contains("a.gctx") && message.contains("expected an HDF5 file"), "{message}");
    assert!(refusal(&write(&folder, "b.gctx", b"")).contains("b.gctx"));
    assert!(refusal(Path::new("no/such.gctx")).contains("check the path"));
    let message = refusal(&write(&folder, "c.gct", &fs::read(fixture("cmappy.gctx")).unwrap()));
    assert!(message.contains("`#1.2` or `#1.3`"), "{message}");
}

#[test]
fn damaged_hdf5_is_refused_or_read_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for make in &MAKES[1..] {
        let whole = fs::read(fixture(make)).unwrap();
        for part in 0..48 {
            let cut = &whole[..whole.len() * part / 48];
            let Err(error) = read_screen(&write(&folder, "cut.gctx", cut), DOSES) else {
                panic!("{make} cut at {part}/48 is read");
            };
            assert!(error.to_string().contains("cut.gctx"), "{make} cut at {part}/48: {error}");
        }
        for flip in 0..400 {
            let mut damaged = whole.clone();
            let at = flip * 7919 % damaged.len();
            damaged[at] ^= 1 << (flip % 8);
            let _ = read_screen(&write(&folder, "flip.gctx", &damaged), DOSES);
        }
    }
}

/// Writes two samples of two readouts, of which so many have a cell line and a symbol.
fn write_named(path: &Path, n_lines: usize, n_symbols: usize) -> rust_hdf5::Result<()> {
    let file = rust_hdf5::H5File::create(path)?;
    for group in ["0", "0/DATA", "0/DATA/0", "0/META", "0/META/ROW", "0/META/COL"] {
        file.create_group(group)?;
    }
    let matrix = file.new_dataset::<f32>().shape([2, 2]).create("0/DATA/0/matrix")?;
    matrix.write_raw(&[1.0_f32, 2.0, 3.0, 4.0])?;
    file.write_vlen_strings("0/META/ROW/id", &["673", "4193"])?;
    file.write_vlen_strings("0/META/ROW/symbol", &["BRAF", "MDM2", "TP53"][..n_symbols])?;
    file.write_vlen_strings("0/META/COL/id", &["S1", "S2"])?;
    file.write_vlen_strings("0/META/COL/pert_iname", &["a", "b"])?;
    file.write_vlen_strings("0/META/COL/cell_id", &["A375", "MCF7", "HT29"][..n_lines])?;
    file.close()
}

#[test]
fn metadata_of_another_length_than_the_ids_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gctx");
    let read = |n_lines, n_symbols| {
        write_named(&path, n_lines, n_symbols).unwrap();
        GctxFile::open(&path, Some("symbol"))?;
        read_screen(&path, "")
    };
    assert_eq!(read(2, 2).unwrap().contexts.len(), 2);
    for n in [1, 3] {
        let message = read(n, 2).unwrap_err().to_string();
        assert!(message.contains("expected 2 values in `/0/META/COL/cell_id`"), "{message}");
        let message = read(2, n).unwrap_err().to_string();
        assert!(message.contains("expected 2 values in `/0/META/ROW/symbol`"), "{message}");
    }
}

/// All values of a GCTX file, as the reader of GCT gives them.
fn read_gctx(path: &Path) -> (Vec<String>, Vec<String>, Vec<Vec<f32>>) {
    let file = GctxFile::open(path, None).unwrap().select(Wanted::ALL);
    let mut rows = Vec::new();
    file.for_each_sample(|_, values| {
        rows.push(values.to_vec());
        Ok(())
    })
    .unwrap();
    (file.sample_names.clone(), file.readout_names.clone(), rows)
}

fn rows(read: &Measurements) -> Vec<Vec<f32>> {
    let row = |profile| {
        let mut row = vec![f32::NAN; read.n_readouts()];
        read.for_each_value(profile, |readout, value| row[readout] = value);
        row
    };
    (0..read.n_profiles()).map(row).collect()
}

fn shared(name: &str) -> Option<PathBuf> {
    Some(shared_data()?.join("formats").join(name))
}

#[test]
fn the_small_real_files_of_cmap_are_read() {
    let Some(path) = shared("mini_gctoo_for_testing.gct") else { return };
    let gct = GctFile::open(&path).unwrap().read(None, Wanted::ALL).unwrap();
    let (samples, readouts, values) = read_gctx(&shared("mini_gctoo_for_testing.gctx").unwrap());
    assert_eq!((&gct.perturbations, &gct.readouts), (&samples, &readouts));
    assert_eq!(rows(&gct), values, "one screen in both formats");
    assert_eq!(values[0], [1.0, 4.3, 7.0, 0.11, -0.11, 1.0]);
    let (samples, readouts, values) = read_gctx(&shared("level5_n2x12328.gctx").unwrap());
    assert_eq!(samples[1], "CPC012_SKB_24H:BRD-K81418486:10");
    assert_eq!((readouts.len(), readouts[0].as_str()), (12_328, "5720"));
    let sums = values.iter().map(|row| row.iter().map(|value| f64::from(*value)).sum::<f64>());
    let sums: Vec<f64> = sums.collect();
    // h5py and numpy: matrix[:].sum(axis=1)
    assert!(
        (sums[0] - 1_648.780_713_78).abs() < 1e-3 && (sums[1] + 736.130_646_7).abs() < 1e-3,
        "{sums:?}"
    );
    let (samples, readouts, values) =
        read_gctx(&shared("mini_gctx_with_metadata_n2x3.gctx").unwrap());
    assert_eq!(samples[0], "LJP005_A375_24H:DMSO:-666");
    assert_eq!(readouts, ["200814_at", "218597_s_at", "217140_s_at"]);
    assert!((values[1][1] - 1.921_060_6).abs() < 1e-6, "{values:?}");
    let old = GctFile::open(&shared("older_version_v1_2.gct").unwrap()).unwrap();
    let old = old.read(None, Wanted::ALL).unwrap();
    assert_eq!(old.perturbations, ["DLBCL.205", "DLBCL.206", "DLBCL.232"]);
    assert_eq!(rows(&old)[1], [271.48, 91.6, 61.12, 330.59, 12.94]);
}

#[test]
fn the_real_p100_screen_is_collapsed_by_its_own_metadata() {
    let Some(data) = shared_data() else { return };
    let recipe = "name = \"p100\"\nreadout = \"phosphosite\"\n[[assay]]\n\
        file = \"formats/test_p100.gct\"\nlayout = \"gct\"\ntype = \"compound\"\n\
        context = \"P100 {cell_id} {pert_time} h\"\n[assay.samples]\n\
        perturbation = \"{pert_iname}\"\ncollapse = \"modz\"\n\
        filter = [{ column = \"pert_type\", values = [\"trt_cp\"] }]\n";
    let recipe = Recipe::parse(recipe, "p100.toml".as_ref()).unwrap();
    let dataset = Dataset::from_recipe(&recipe, &data, &DatasetOptions::default()).unwrap();
    assert_eq!(dataset.contexts[0].0, "P100 MCF7 3 h");
    assert!(symbols(&dataset).iter().any(|symbol| symbol.eq_ignore_ascii_case("selumetinib")));
    let n_read: usize = dataset.report.assays.iter().map(|assay| assay.n_read).sum();
    assert_eq!((n_read, dataset.readouts.len()), (31, 96));
}

/// A release of LINCS in small, under the names of its files; made by:
///
/// ```python
/// import numpy as np, pandas as pd
/// np.string_ = np.bytes_  # cmapPy 4.0.1 was written for numpy 1
/// from cmapPy.pandasGEXpress.GCToo import GCToo
/// from cmapPy.pandasGEXpress import write_gctx
/// rng = np.random.default_rng(20)
/// n_genes = 130
/// genes = pd.DataFrame({"gene_id": np.arange(n_genes) + 1, "gene_symbol": ["GENE%d" % i for i in range(n_genes)]})
/// genes["ensembl_id"] = ["ENSG%011d" % i for i in genes.gene_id]
/// genes["gene_title"] = "made up"
/// genes["gene_type"], genes["src"] = "protein-coding", "NCBI"
/// genes["feature_space"] = ["landmark" if i % 10 else "inferred" for i in range(n_genes)]
/// genes.to_csv("geneinfo_beta.txt", sep="\t", index=False)
/// compounds = pd.DataFrame([
///     ["BRD-K1", "alpha", "GENE1", "GENE1 inhibitor", "CCO", "AAAAAAAAAAAAAA-AAAAAAAAAA-N", "first"],
///     ["BRD-K1", "alpha", "GENE2", "GENE1 inhibitor", "CCO", "AAAAAAAAAAAAAA-AAAAAAAAAA-N", "first"],
///     ["BRD-K2", "beta", "GENE3", "GENE3 agonist", "restricted", "BBBBBBBBBBBBBB-BBBBBBBBBB-N", ""],
/// ], columns="pert_id cmap_name target moa canonical_smiles inchi_key compound_aliases".split())
/// compounds.to_csv("compoundinfo_beta.txt", sep="\t", index=False)
/// rows = []
/// for cell in ["A375", "MCF7"]:
///     for replicate in range(3):
///         for k, name in enumerate(["alpha", "beta", "BRD-K3"]):
///             rows.append([f"CP{replicate}_{cell}_24H:BRD-K{k + 1}:10", f"BRD-K{k + 1}", name, cell, "trt_cp", 10, "uM", "10 uM", 24, "h", "24 h", 1, .3])
///         for name in ["GENE1", "GENE3", "GENE5"]:
///             rows.append([f"XPR{replicate}_{cell}_96H:{name}", f"X-{name}", name, cell, "trt_xpr", -666, "-666", "-666", 96, "h", "96 h", 1, .2])
/// rows.append(["CP9_A375_24H:BRD-K1:0.04", "BRD-K1", "alpha", "A375", "trt_cp", 40, "nM", "0.04 uM", 24, "h", "24 h", 1, .1])
/// rows.append(["CP9_A375_6H:BRD-K1:10", "BRD-K1", "alpha", "A375", "trt_cp", 10, "uM", "10 uM", 6, "h", "6 h", 1, .1])
/// rows.append(["CP9_MCF7_24H:BRD-K2:10", "BRD-K2", "beta", "MCF7", "trt_cp", 10, "uM", "10 uM", 24, "h", "24 h", 0, .1])
/// sig = pd.DataFrame(rows, columns="sig_id pert_id cmap_name cell_iname pert_type pert_dose pert_dose_unit pert_idose pert_time pert_time_unit pert_itime qc_pass tas".split())
/// sig.to_csv("siginfo_beta.txt", sep="\t", index=False)
/// for kind, name in [("trt_cp", "n720216x12328"), ("trt_xpr", "n142901x12328")]:
///     ids = sig.sig_id[sig.pert_type == kind]
///     values = rng.integers(-3, 4, (n_genes, len(ids))).astype(float)
///     gctoo = GCToo(pd.DataFrame(values, index=genes.gene_id.astype(str), columns=list(ids)))
///     write_gctx.write(gctoo, f"level5_beta_{kind}_{name}.gctx")
/// ```
#[test]
fn the_recipe_of_lincs_2020_reads_its_layout() {
    let recipe = Recipe::read(super::repository().join("data/lincs-2020.toml")).unwrap();
    let data = super::repository().join("tests/fixtures");
    let dataset = Dataset::from_recipe(&recipe, &data, &DatasetOptions::default()).unwrap();
    let contexts: Vec<&str> = dataset.contexts.iter().map(|c| c.0.as_str()).collect();
    let expected = ["L1000 A375", "L1000 MCF7", "L1000 A375 CRISPR", "L1000 MCF7 CRISPR"];
    assert_eq!(contexts, expected);
    for (context, kind) in contexts.iter().zip(["trt_cp", "trt_cp", "trt_xpr", "trt_xpr"]) {
        let assay = recipe.assay_of(context).unwrap();
        assert_eq!(assay.perturbation_type.cmap_code(), kind, "{context}");
    }
    let knockouts = ["CRISPR-KO_GENE1", "CRISPR-KO_GENE3", "CRISPR-KO_GENE5"];
    assert_eq!(symbols(&dataset), [&["BRD-K3", "alpha", "beta"][..], &knockouts[..]].concat());
    assert_eq!((dataset.profiles.n_profiles(), dataset.readouts.len()), (12, 117));
    let alpha = super::annotation(&dataset, "alpha");
    assert_eq!(alpha.targets.iter().map(|t| t.0.as_str()).collect::<Vec<_>>(), ["GENE1", "GENE2"]);
    assert_eq!(alpha.identifiers[0], "BRD-K1");
    // Low dose, short time and failed quality; and the knock-outs, in the table of the compounds.
    let notices = dataset.report.to_string();
    assert!(notices.contains("L1000 {cell_iname}: 3 of 21 samples are not in"), "{notices}");
    assert!(notices.contains("13 readouts are not in `lincs-2020/geneinfo_beta.txt`"), "{notices}");
}
