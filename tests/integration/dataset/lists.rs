use std::fs;
use std::path::{Path, PathBuf};

use phenocopy::dataset::{Dataset, DatasetOptions, Recipe, SampleSplit};
use phenocopy::table::{FileForm, ValuesForm, file_form};

use super::h5ad::{assert_profiles, profiles, read as read_h5ad};
use super::symbols;

/// The twelve cells of `super::h5ad` as Parquet with lists, by pyarrow 26.0.1:
///
/// ```python
/// import pyarrow as pa, pyarrow.parquet as pq
/// folder = "tests/fixtures/formats/"
/// genes = [5, 2, 3, 9, 4]  # ids of BRAF, MDM2, EGFR, TP53, HLA-A
/// rows = [  # condition, cell_type, batch, counts
///     ("ctrl", "K562", "b1", [2, 0, 8, 10, 0]),
///     ("ctrl", "K562", "b2", [6, 4, 20, 10, 0]),
///     ("BRAF+ctrl", "K562", "b1", [0, 1, 4, 5, 0]),
///     ("ctrl+BRAF", "K562", "b2", [0, 3, 1, 12, 0]),
///     ("BRAF+MDM2", "K562", "b1", [1, 0, 0, 7, 0]),
///     ("MDM2+BRAF", "K562", "b1", [0, 0, 2, 6, 8]),
///     ("ctrl", "A549", "b1", [5, 5, 5, 5, 0]),
///     ("ctrl", "A549", "b1", [1, 0, 0, 9, 0]),
///     ("MDM2+ctrl", "A549", "b1", [4, 0, 0, 12, 0]),
///     ("MDM2+ctrl", "A549", "b1", [4, 1, 0, 12, 15]),
///     ("EGFR+ctrl", "A549", None, [0, 0, 0, 3, 0]),
///     ("EGFR+ctrl", "A549", "b1", [0, 0, 0, 0, 0]),
/// ]
/// def cells(rows, token, ids, values):
///     listed = [[(g, c) for g, c in zip(ids, row[3]) if c] for row in rows]
///     listed = [token + cell for cell in listed]
///     return {
///         "genes": [[g for g, _ in cell] for cell in listed],
///         "expressions": [[c for _, c in cell] for cell in listed],
///         "condition": [row[0] for row in rows],
///         "cell_type": [row[1] for row in rows],
///         "batch": [row[2] for row in rows],
///     }
/// def table(rows, token=[(1, -2.0)], ids=genes, id_type=pa.int64(), value_type=pa.float32(), make=pa.list_):
///     of = cells(rows, token, ids, value_type)
///     return pa.table({
///         "genes": pa.array(of["genes"], make(id_type)),
///         "expressions": pa.array(of["expressions"], make(value_type)),
///         **{name: pa.array(of[name], pa.string()) for name in ["condition", "cell_type", "batch"]},
///     })
/// # As Tahoe-100M is published: two files, row groups, dictionaries.
/// pq.write_table(table(rows[:5]), folder + "lists-00000-of-00002.parquet", row_group_size=3)
/// pq.write_table(table(rows[5:]), folder + "lists-00001-of-00002.parquet", row_group_size=3)
/// # One file: 32-bit ids, whole counts, large lists, no dictionary, plain pages of version 2; no special token.
/// plain = table(rows, [], id_type=pa.int32(), value_type=pa.int32(), make=pa.large_list)
/// pq.write_table(plain, folder + "lists-plain.parquet", use_dictionary=False, data_page_version="2.0", compression="none")
/// # Symbols as ids, fractions, one count split in two.
/// symbols = ["BRAF", "MDM2", "EGFR", "TP53", "HLA-A"]
/// split = table(rows, [("<cls>", -2.0)], symbols, pa.string(), pa.float64())
/// twice = split["genes"].to_pylist(), split["expressions"].to_pylist()
/// twice[0][3].append("TP53"); twice[1][3][-1] = 5.0; twice[1][3].append(7.0)
/// split = split.set_column(0, "genes", pa.array(twice[0], pa.list_(pa.string())))
/// split = split.set_column(1, "expressions", pa.array(twice[1], pa.list_(pa.float64())))
/// pq.write_table(split, folder + "lists-symbols.parquet", use_dictionary=False, row_group_size=5)
/// # What is refused.
/// bad = {
///     "ragged": ([[2, 3], [2, 3]], [[1.0, 2.0], [1.0]]),
///     "absent": ([[2, 3], None], [[1.0, 2.0], [1.0]]),
///     "valueless": ([[2, 3], [2]], [[1.0, 2.0], None]),
///     "nameless": ([[2, 3], [2, None]], [[1.0, 2.0], [1.0, 3.0]]),
///     "negative": ([[2, 3], [2, 3]], [[1.0, 2.0], [1.0, -3.0]]),
/// }
/// for name, (ids, values) in bad.items():
///     pq.write_table(pa.table({
///         "genes": pa.array(ids, pa.list_(pa.int64())), "expressions": pa.array(values, pa.list_(pa.float32())),
///         "condition": ["ctrl", "BRAF"], "cell_type": ["A549", "A549"], "batch": ["b1", "b1"],
///     }), folder + f"lists-bad-{name}.parquet")
/// # The columns of Tahoe-100M; 26 cells of each well, but 3 of one.
/// wells = [("smp_1", "DMSO_TF", 26), ("smp_2", "Dabrafenib", 26), ("smp_3", "Dabrafenib", 26), ("smp_4", "Idasanutlin", 3)]
/// tahoe = [(smp, drug, line, at) for smp, drug, n in wells for line in ["CVCL_0023", "CVCL_0480"] for at in range(n)]
/// tahoe = pa.table({
///     "genes": pa.array([[1, 5, 2, 9] for _ in tahoe], pa.list_(pa.int64())),
///     "expressions": pa.array([[-2.0, 4.0, 2.0 * int(smp[4:]), 2.0] for smp, *_ in tahoe], pa.list_(pa.float32())),
///     "drug": [drug for _, drug, *_ in tahoe],
///     "sample": [smp for smp, *_ in tahoe],
///     "BARCODE_SUB_LIB_ID": [f"01_001_{at:03}-lib_1681" for *_, at in tahoe],
///     "cell_line_id": [line for _, _, line, _ in tahoe],
///     "moa-fine": ["unclear" for _ in tahoe],
///     "canonical_smiles": ["C" for _ in tahoe],
///     "pubchem_cid": ["44462760" for _ in tahoe],
///     "plate": ["plate1" for _ in tahoe],
/// })
/// pq.write_table(tahoe, folder + "tahoe.parquet", row_group_size=50)
/// ```
const MAKES: [&str; 3] = ["lists-0*.parquet", "lists-plain.parquet", "lists-symbols.parquet"];

fn fixture(name: &str) -> PathBuf {
    super::repository().join("tests/fixtures/formats").join(name)
}

/// What the ids of the fixtures mean; the special token, 1, is not among them.
const GENES: &str = "token_id,gene_symbol\n5,BRAF\n2,MDM2\n3,EGFR\n9,TP53\n4,HLA-A\n\
                     BRAF,BRAF\nMDM2,MDM2\nEGFR,EGFR\nTP53,TP53\nHLA-A,HLA-A\n";

/// Keys of the samples, as GEARS calls them.
const GEARS: &str =
    "[assay.samples]\nperturbation = \"{condition}\"\ncollapse = \"mean\"\ncontrols = [\"ctrl\"]\n";
const NAMES: &str = "readout_names = { file = \"genes.csv\", from = \"token_id\", to = \"gene_symbol\", unnamed = \"drop\" }\n";
const COLUMNS: &str = "columns = { readout = \"genes\", value = \"expressions\" }\n";

/// Reads files by a recipe with these keys below that of the columns.
fn read(files: &Path, keys: &str) -> phenocopy::Result<Dataset> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("genes.csv"), GENES).unwrap();
    fs::write(folder.path().join("wells.csv"), WELLS).unwrap();
    let recipe = format!(
        "name = \"small\"\nreadout = \"gene\"\n[[assay]]\nfile = '{}'\nlayout = \"lists\"\n\
         type = \"crispr-knockout\"\ncontext = \"{{cell_type}}\"\n{keys}\n",
        files.display()
    );
    let recipe = Recipe::parse(&recipe, "small.toml".as_ref())?;
    Dataset::from_recipe(&recipe, folder.path(), &DatasetOptions::default())
}

fn read_counts(files: &str, keys: &str) -> phenocopy::Result<Dataset> {
    read(&fixture(files), &format!("{COLUMNS}{NAMES}{GEARS}values = \"counts\"\n{keys}"))
}

fn refusal(files: &str, keys: &str) -> String {
    read(&fixture(files), keys).unwrap_err().to_string()
}

/// Profiles by name, with their bits.
fn bits(dataset: &Dataset) -> Vec<(String, Vec<u32>)> {
    let of =
        |(name, values): (String, Vec<f32>)| (name, values.iter().map(|v| v.to_bits()).collect());
    let mut all: Vec<_> = profiles(dataset).into_iter().map(of).collect();
    all.sort();
    all
}

#[test]
fn lists_become_the_profiles_that_the_same_cells_in_anndata_become_to_the_bit() {
    let expected = [
        ("A549 CRISPR-KO_EGFR", [-10.77396, -10.28887, -10.28887, 0.79826, 0.0]),
        ("A549 CRISPR-KO_MDM2", [0.09948, -2.99195, -10.28887, -0.0317, 11.19522]),
        ("K562 CRISPR-KO_BRAF", [-10.28887, 1.52168, -0.96017, 0.73681, 0.0]),
        ("K562 CRISPR-KO_BRAF+MDM2", [-0.99885, -8.96867, -2.84601, 0.73681, 11.28829]),
    ];
    let keys = format!(
        "type = \"crispr-knockout\"\ncontext = \"{{cell_type}}\"\n{GEARS}values = \"counts\""
    );
    let cells = read_h5ad(&fixture("csr.h5ad"), &keys).unwrap();
    for make in MAKES {
        let dataset = read_counts(make, "").unwrap();
        let mut received = profiles(&dataset);
        received.sort_by(|(one, _), (other, _)| one.cmp(other));
        assert_profiles(&received, &expected, make);
        assert_eq!(bits(&dataset), bits(&cells), "{make}");
        let report = dataset.report.to_string();
        assert!(report.contains("1 samples without counts are left out"), "{make}: {report}");
        let has_token = report.contains("12 samples begin with a value below 0");
        assert_eq!(has_token, make != "lists-plain.parquet", "{make}: {report}");
    }
}

#[test]
fn cells_held_out_of_lists_are_those_held_out_of_anndata() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("genes.csv"), GENES).unwrap();
    let held_out = |layout: &str, file: &str, more: &str, seed: u64| {
        let recipe = format!(
            "name = \"small\"\nreadout = \"gene\"\n[[assay]]\nfile = '{}'\nlayout = \"{layout}\"\n\
             type = \"crispr-knockout\"\ncontext = \"{{cell_type}}\"\n{more}{GEARS}values = \"counts\"\n",
            fixture(file).display()
        );
        let recipe = Recipe::parse(&recipe, "small.toml".as_ref()).unwrap();
        let split = SampleSplit { share: 0.3, seed };
        let options = DatasetOptions { held_out_cells: Some(split), ..DatasetOptions::default() };
        // Of so few cells a draw may take all controls of a context.
        Dataset::with_held_out_cells(&recipe, folder.path(), &options).map(|(_, cells)| cells).ok()
    };
    let mut n_genes = 0;
    for seed in 0..30 {
        let of_lists = held_out("lists", MAKES[0], &format!("{COLUMNS}{NAMES}"), seed);
        let of_h5ad = held_out("h5ad", "csr.h5ad", "", seed);
        assert_eq!(of_lists.is_some(), of_h5ad.is_some(), "{seed}");
        for (one, other) in of_lists.iter().flatten().zip(of_h5ad.iter().flatten()) {
            assert_eq!(one.genes(), other.genes(), "{seed}");
            assert_eq!(one.perturbed(), other.perturbed(), "{seed}");
            assert_eq!(one.controls(), other.controls(), "{seed}");
            n_genes += one.genes().len();
        }
    }
    assert!(n_genes > 0);
}

#[test]
fn rows_that_are_not_wanted_are_passed_over() {
    let of_batch =
        |batch: &str| format!("filter = [{{ column = \"batch\", values = [\"{batch}\"] }}]");
    for batch in ["b1", "b2"] {
        let keys = format!("{GEARS}values = \"relative\"\n{}", of_batch(batch));
        let cells = format!("type = \"crispr-knockout\"\ncontext = \"{{cell_type}}\"\n{keys}");
        let cells = read_h5ad(&fixture("dense.h5ad"), &cells).unwrap();
        for make in MAKES {
            let dataset = read(&fixture(make), &format!("{COLUMNS}{NAMES}{keys}")).unwrap();
            assert_eq!(bits(&dataset), bits(&cells), "{make} {batch}");
        }
    }
    let report =
        read_counts(MAKES[0], "filter = [{ column = \"cell_type\", values = [\"K562\"] }]");
    let report = report.unwrap().report.to_string();
    assert!(report.contains("lists-0*.parquet: 6 rows do not pass the filters"), "{report}");
    assert!(report.contains("6 of 12 samples are not in"), "{report}");
}

#[test]
fn a_first_value_below_0_is_left_out_of_counts_only() {
    let keys = format!(
        "{COLUMNS}{GEARS}values = \"relative\"\nfilter = [{{ column = \"batch\", values = [\"b2\"] }}]"
    );
    let dataset = read(&fixture(MAKES[0]), &keys).unwrap();
    let readouts: Vec<&str> = dataset.readouts.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(readouts, ["1", "2", "3", "4", "5", "9"]);
    assert_eq!(dataset.profiles.row(0), [-2.0, 3.0, 1.0, 0.0, 0.0, 12.0]);
}

#[test]
fn each_of_the_files_is_an_input() {
    let dataset = read_counts(MAKES[0], "").unwrap();
    let names =
        dataset.inputs.iter().map(|input| input.path.file_name().unwrap().to_string_lossy());
    let names: Vec<String> = names.map(|name| name.into_owned()).collect();
    assert_eq!(
        names,
        ["lists-00000-of-00002.parquet", "lists-00001-of-00002.parquet", "genes.csv"]
    );
    assert!(dataset.inputs.iter().all(|input| input.sha256.len() == 64));
}

#[test]
fn a_row_whose_lists_do_not_fit_is_refused_by_file_column_and_row() {
    for (name, column, problem) in [
        ("ragged", "expressions", "expected 2 values, as many as `genes` has, found 1 in row 2"),
        ("absent", "genes", "expected a list, found null in row 2"),
        ("valueless", "expressions", "expected a list, found null in row 2"),
        ("nameless", "genes", "expected a name of each value, found null among them in row 2"),
    ] {
        let file = format!("lists-bad-{name}.parquet");
        let message = read_counts(&file, "").unwrap_err().to_string();
        for part in [file.as_str(), &format!("column `{column}`"), problem] {
            assert!(message.contains(part), "{name}: `{part}` is not in {message}");
        }
    }
    let message = read_counts("lists-bad-negative.parquet", "").unwrap_err().to_string();
    assert!(message.contains("context `A549`: -3 among its counts"), "{message}");
}

#[test]
fn columns_that_are_no_lists_are_refused_with_advice() {
    let keys = |columns: &str| format!("columns = {columns}\n{GEARS}values = \"counts\"");
    for (columns, part) in [
        ("{ readout = \"gene\", value = \"expressions\" }", "did you mean `genes`?"),
        (
            "{ readout = \"expressions\", value = \"genes\" }",
            "lists of whole numbers or texts, found lists of fractions",
        ),
        (
            "{ readout = \"genes\", value = \"condition\" }",
            "column `condition`: expected lists of numbers, found something else",
        ),
    ] {
        let message = refusal(MAKES[0], &keys(columns));
        assert!(message.contains(part), "{message}");
    }
}

/// Puts fixtures into a folder under names that one pattern fits.
fn shards(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (at, name) in names.iter().enumerate() {
        fs::copy(fixture(name), folder.path().join(format!("shard-{at}.parquet"))).unwrap();
    }
    folder
}

#[test]
fn a_shard_that_is_cut_off_or_has_other_columns_is_refused_by_its_name() {
    let keys = format!("{COLUMNS}{NAMES}{GEARS}values = \"counts\"");
    let first = "lists-00000-of-00002.parquet";
    for (second, part) in [
        (
            "lists-symbols.parquet",
            "expected whole numbers in `genes`, as in the first file, found texts",
        ),
        ("long.parquet", "expected a column `genes`"),
        ("tahoe.parquet", "expected a column `condition`"),
        ("wide-brotli.parquet", "expected a column `genes`"),
    ] {
        let folder = shards(&[first, second]);
        let message = read(&folder.path().join("shard-*.parquet"), &keys).unwrap_err().to_string();
        assert!(message.contains("shard-1.parquet") && message.contains(part), "{message}");
    }
    let folder = shards(&[first, "lists-00001-of-00002.parquet"]);
    let pattern = folder.path().join("shard-*.parquet");
    assert_eq!(symbols(&read(&pattern, &keys).unwrap()).len(), 4);
    let second = folder.path().join("shard-1.parquet");
    let whole = fs::read(&second).unwrap();
    for part in 0..24 {
        fs::write(&second, &whole[..whole.len() * part / 24]).unwrap();
        let message = read(&pattern, &keys).unwrap_err().to_string();
        assert!(message.contains("shard-1.parquet"), "{message}");
    }
}

#[test]
fn damaged_lists_are_refused_or_read_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.parquet");
    let keys = format!("{COLUMNS}{NAMES}{GEARS}values = \"counts\"");
    for make in ["lists-00001-of-00002.parquet", "lists-plain.parquet", "lists-symbols.parquet"] {
        let whole = fs::read(fixture(make)).unwrap();
        let mut n_refused = 0;
        for at in (4..whole.len()).step_by(4) {
            let mut damaged = whole.clone();
            damaged[at] ^= [0x01, 0x80, 0xff][at % 3];
            fs::write(&path, &damaged).unwrap();
            n_refused += usize::from(read(&path, &keys).is_err());
            let _ = file_form(&path);
        }
        assert!(n_refused > whole.len() / 32, "{n_refused} in {make}");
    }
}

#[test]
fn a_pattern_that_fits_no_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let keys = format!("{COLUMNS}{GEARS}values = \"counts\"");
    for hidden in [".train-0.parquet", "train-0.parquet.part"] {
        fs::write(folder.path().join(hidden), "PAR1").unwrap();
    }
    let message = read(&folder.path().join("train-*.parquet"), &keys).unwrap_err().to_string();
    for part in ["train-*.parquet", "expected one file or more", "`*` stands for any text"] {
        assert!(message.contains(part), "{message}");
    }
    let message = read(&folder.path().join("none/train-*.parquet"), &keys).unwrap_err().to_string();
    assert!(message.contains("none"), "{message}");
}

#[test]
fn keys_that_do_not_fit_the_layout_are_refused() {
    let parse = |layout: &str, file: &str, keys: &str| {
        let text = format!(
            "name = \"x\"\nreadout = \"gene\"\n[[assay]]\nfile = \"{file}\"\nlayout = \"{layout}\"\n\
             type = \"compound\"\ncontext = \"x\"\n{keys}"
        );
        Recipe::parse(&text, "x.toml".as_ref())
            .map(|_| String::new())
            .unwrap_or_else(|e| e.to_string())
    };
    let samples = "[assay.samples]\nperturbation = \"{drug}\"";
    let named =
        "columns = { perturbation = \"drug\", readout = \"genes\", value = \"expressions\" }\n";
    assert_eq!(parse("lists", "a*.parquet", &format!("{COLUMNS}{samples}")), "");
    assert_eq!(parse("long", "a.csv", named), "");
    for (layout, file, keys, part) in [
        ("lists", "a.parquet", samples.to_owned(), "`columns` goes with"),
        (
            "lists",
            "a.parquet",
            format!("{named}{samples}"),
            "`columns.perturbation` goes with `layout = \"long\"`",
        ),
        (
            "long",
            "a.csv",
            COLUMNS.to_owned(),
            "`columns.perturbation` goes with `layout = \"long\"`",
        ),
        ("lists", "a.parquet", COLUMNS.to_owned(), "go with `[assay.samples]` without a `file`"),
        (
            "h5ad",
            "plate*.h5ad",
            samples.to_owned(),
            "only `layout = \"lists\"` takes several files",
        ),
        (
            "wide-readout-rows",
            "a*.csv",
            String::new(),
            "only `layout = \"lists\"` takes several files",
        ),
        (
            "lists",
            "a.parquet",
            format!("readout_column = \"x\"\n{COLUMNS}{samples}"),
            "have a `readout_column`",
        ),
    ] {
        let message = parse(layout, file, &keys);
        assert!(message.contains(part), "{layout} {keys}: {message}");
    }
}

/// What wells hold, as Tahoe-100M says it.
const WELLS: &str = "sample;drug;drugname_drugconc\nctrl;DMSO_TF;[('DMSO_TF', 0.0, 'uM')]\n\
    BRAF+ctrl;Dabrafenib;[('Dabrafenib', 5.0, 'uM')]\nctrl+BRAF;Dabrafenib;[('Dabrafenib', 0.5, 'uM')]\n\
    MDM2+ctrl;Idasanutlin;[('Idasanutlin', 5.0, 'uM')]\n";

#[test]
fn wells_are_named_and_filtered_by_a_table_which_says_which_are_controls() {
    let keys = format!(
        "{COLUMNS}{NAMES}[assay.samples]\nperturbation = \"{{condition}}\"\ncollapse = \"mean\"\n\
         controls = [\"DMSO_TF\"]\nseparator = \"|\"\nvalues = \"counts\"\n[assay.perturbation_names]\nfile = \"wells.csv\"\n\
         from = \"sample\"\nto = \"drug\"\nunnamed = \"drop\"\n\
         filter = [{{ column = \"drugname_drugconc\", like = [\"*, 5.0, *\", \"*'DMSO_TF'*\"] }}]"
    );
    let dataset = read(&fixture(MAKES[0]), &keys).unwrap();
    assert_eq!(symbols(&dataset), ["CRISPR-KO_Dabrafenib", "CRISPR-KO_Idasanutlin"]);
    // The one cell of BRAF+ctrl, against both controls.
    let scaled = |counts: [f64; 4], of: usize| counts[of] / counts.iter().sum::<f64>() * 1e4;
    let controls = [[2.0, 0.0, 8.0, 10.0], [6.0, 4.0, 20.0, 10.0]];
    for (readout, at) in [(0, 0), (1, 2), (3, 1), (4, 3)] {
        let control = controls.map(|counts| scaled(counts, at)).iter().sum::<f64>() / 2.0;
        let expected = (scaled([0.0, 1.0, 4.0, 5.0], at) + 1.0).log2() - (control + 1.0).log2();
        let received = f64::from(
            profiles(&dataset).iter().find(|(name, _)| name.ends_with("Dabrafenib")).unwrap().1
                [readout],
        );
        assert!((received - expected).abs() < 1e-5, "{readout}: {received} {expected}");
    }
}

#[test]
fn a_file_says_what_it_holds() {
    let FileForm::Lists(form) = file_form(&fixture("tahoe.parquet")).unwrap() else {
        panic!("lists")
    };
    assert_eq!((form.n_samples, form.n_tokens, form.values), (162, 162, ValuesForm::Counts));
    assert_eq!(
        (form.readout.as_str(), form.value.as_str(), form.is_sure),
        ("genes", "expressions", true)
    );
    let drug = form.columns.iter().find(|column| column.name == "drug").unwrap();
    assert_eq!((drug.n_values, drug.controls.as_slice()), (3, &["DMSO_TF".to_owned()][..]));
    let FileForm::Lists(form) = file_form(&fixture("lists-symbols.parquet")).unwrap() else {
        panic!("lists")
    };
    assert_eq!((form.n_samples, form.n_tokens, form.values), (12, 12, ValuesForm::Counts));
}

#[test]
fn the_recipe_of_tahoe_100m_reads_its_layout() {
    let recipe = Recipe::read(super::repository().join("data/tahoe-100m.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // Tables are told by their content: text will do for the test.
    write(
        "tahoe-100m/metadata/gene_metadata.parquet",
        "gene_symbol,ensembl_id,token_id\nBRAF,ENSG157764,5\nMDM2,ENSG135679,2\nLNC,ENSG9,9\n",
    );
    write(
        "tahoe-100m/metadata/sample_metadata.parquet",
        "sample;plate;drug;drugname_drugconc\n\
        smp_1;plate1;DMSO_TF;[('DMSO_TF', 0.0, 'uM')]\nsmp_2;plate1;Dabrafenib;[('Dabrafenib', 5.0, 'uM')]\n\
        smp_3;plate1;Dabrafenib;[('Dabrafenib', 0.05, 'uM')]\nsmp_4;plate1;Idasanutlin;[('Idasanutlin', 5.0, 'uM')]\n",
    );
    write(
        "tahoe-100m/metadata/drug_metadata.parquet",
        "drug\ttargets\tmoa-broad\tmoa-fine\tcanonical_smiles\tpubchem_cid\n\
        Dabrafenib\tBRAF, RAF1\tinhibitor\tRAF inhibitor\tC\t44462760\n",
    );
    let head =
        "symbol\tname\tlocus_group\talias_symbol\tprev_symbol\thgnc_id\tentrez_id\tensembl_gene_id";
    write(
        "hgnc/hgnc_complete_set.txt",
        &format!(
            "{head}\nBRAF\tkinase\tprotein-coding gene\t\t\tHGNC:1097\t673\tENSG157764\n\
        MDM2\tligase\tprotein-coding gene\t\t\tHGNC:6973\t4193\tENSG135679\nLNC\tlong\tnon-coding RNA\t\t\tHGNC:9\t9\tENSG9\n"
        ),
    );
    let shard = folder.path().join("tahoe-100m/data/train-00000-of-03388.parquet");
    fs::create_dir_all(shard.parent().unwrap()).unwrap();
    fs::copy(fixture("tahoe.parquet"), shard).unwrap();
    let dataset = Dataset::from_recipe(&recipe, folder.path(), &DatasetOptions::default()).unwrap();
    let contexts: Vec<&str> = dataset.contexts.iter().map(|c| c.0.as_str()).collect();
    assert_eq!(contexts, ["CVCL_0023", "CVCL_0480"]);
    assert_eq!(symbols(&dataset), ["Dabrafenib"], "of Idasanutlin there are 3 cells");
    let readouts: Vec<&str> = dataset.readouts.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(readouts, ["BRAF", "MDM2"]);
    let report = dataset.report.to_string();
    assert!(report.contains("3 samples, fewer than 25"), "{report}");
}

#[test]
#[cfg(unix)]
fn a_shard_that_is_a_link_to_nowhere_is_missing_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train-0.parquet"), "").unwrap();
    let link = folder.path().join("train-1.parquet");
    std::os::unix::fs::symlink(folder.path().join("blob"), &link).unwrap();
    let pattern = folder.path().join("train-*.parquet");
    let message = phenocopy::table::Shards::find(&pattern).unwrap_err().to_string();
    assert!(message.contains("train-1.parquet"), "{message}");
    std::fs::remove_file(&link).unwrap();
    std::fs::create_dir(&link).unwrap();
    let message = phenocopy::table::Shards::find(&pattern).unwrap_err().to_string();
    assert!(message.contains("expected a file"), "{message}");
}
