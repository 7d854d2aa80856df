use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{run, text};

const RECIPE: &str = r#"name = "small"
readout = "cell line"
duplicates = "mean"
normalisation = ["median-centre"]
labels = "labels.csv"

[[assay]]
file = "compounds.tsv"
layout = "wide-readout-rows"
type = "compound"
context = "drugs"

[[assay]]
file = "genes.csv"
layout = "wide-perturbation-rows"
type = "crispr-knockout"
context = "CRISPR"
readout_names = { file = "lines.csv", from = "cosmic", to = "line", unnamed = "drop" }

[[annotation]]
for = "compound"
file = "known.csv"
[annotation.columns]
name = ["name"]
synonyms = ["also"]

[[annotation]]
for = "gene"
file = "hgnc.csv"
[annotation.columns]
name = ["name"]
synonyms = ["also"]
"#;

/// Screens in which every kind of name occurs.
fn screens() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let compounds = "line\tVenetoclax\tABT-199\tmystery\tconstant\nA\t1\t2\t\t3\nB\t4\t1\t1\t3\nC\t2\t2\t5\t3\nD\t1\t1\t1\t1\n";
    for (file, content) in [
        ("recipe.toml", RECIPE),
        ("compounds.tsv", compounds),
        ("genes.csv", "gene,1,2,3,9\nPARK2,1,2,4,1\nBRAF,3,1,1,1\nBRAV,2,1,7,1\n"),
        ("lines.csv", "cosmic,line\n1,A\n2,B\n3,C\n"),
        ("known.csv", "name,also\nvenetoclax,ABT-199\n"),
        ("hgnc.csv", "name,also\nPRKN,PARK2\nBRAF,\n"),
        ("labels.csv", "compound,gene\nvenetoclax,BRAF\nunheard-of,BRAF\n"),
    ] {
        fs::write(home.path().join(file), content).unwrap();
    }
    home
}

fn check(home: &Path, more: &[&str]) -> super::Outcome {
    let recipe = home.join("recipe.toml");
    run(&[&["check", text(&recipe)], more].concat())
}

#[test]
fn a_recipe_is_told_before_anything_is_trained() {
    let home = screens();
    let shown = check(home.path(), &[]).success();
    for part in [
        "compounds.tsv  tab separated",
        "drugs   wide-readout-rows          4     2         1         3       5        1",
        "CRISPR  wide-perturbation-rows",
        "compounds    4            0        2          0              2",
        "genes        3            1        1          0              1",
        "merged: PARK2 → PRKN (alias or previous symbol)",
        "(like BRAF?)",
        "1 readouts left out: measured on one side only",
        "CRISPR: 1 readouts are not in `lines.csv`: left out",
        "drugs: 1 left out (constant): constant",
        "labels: 2 pairs; 1 compounds have a target here, 1 compounds and 0 genes are not in the data",
        "warnings; ",
    ] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
    let listing = super::listing(home.path());
    assert_eq!(listing.len(), 7, "nothing is written: {listing:?}");
}

#[test]
fn rejects_list_each_name_with_what_became_of_it() {
    let home = screens();
    let path = home.path().join("rejects.tsv");
    check(home.path(), &["--rejects", text(&path)]).success();
    let table = fs::read_to_string(path).unwrap();
    for row in [
        "kind\tassay\tname\toutcome\tsuggestion\twarning",
        "gene\tCRISPR\tPARK2\tgoes by `PRKN`: alias or previous symbol\t\t0",
        "gene\tCRISPR\tBRAV\tkept as it is: in no annotation\t`BRAF`?\t1",
        "compound\tdrugs\tABT-199\tgoes by `venetoclax`: alias in the annotation\t\t0",
        "compound\tdrugs\tVenetoclax\tgoes by `venetoclax`: equal letters and digits\t\t0",
        "readout\tCRISPR\t9\tleft out: not in `lines.csv`\t\t0",
        "profile\tdrugs\tconstant\tleft out: constant\t\t1",
        "label\t\tunheard-of\tnot in the data\t\t0",
    ] {
        assert!(table.lines().any(|line| line == row), "`{row}` is not in:\n{table}");
    }
    assert!(table.contains("readout\tdrugs\tD\tleft out: measured on one side only\tcheck that"));
}

#[test]
fn programs_get_the_same_as_json_and_tsv() {
    let home = screens();
    let document = check(home.path(), &["--format", "json"]).success();
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["assays"][0]["n_values"], 5);
    assert_eq!(document["names"][1]["n_renamed"], 2);
    assert_eq!(document["labels"]["n_compounds"], 1);
    let rejects = document["rejects"].as_array().unwrap();
    let n_warnings = rejects.iter().filter(|reject| reject["is_warning"] == true).count();
    assert_eq!(document["n_warnings"], n_warnings);
    let table = check(home.path(), &["--format", "tsv"]).success();
    let row = "drugs\tcompounds.tsv\twide-readout-rows\t4\t2\t1\t3\t5\t1";
    assert!(table.lines().any(|line| line == row), "{table}");
}

#[test]
fn what_would_stop_a_build_stops_the_check_with_the_same_words() {
    let home = screens();
    fs::write(home.path().join("genes.csv"), "gene,1,2,3\n1-Mar,1,2,3\n").unwrap();
    let checked = check(home.path(), &[]).failure();
    assert!(checked.contains("`1-Mar`: is a date") && checked.contains("MARCHF1"), "{checked}");
    let broken = screens();
    fs::remove_file(broken.path().join("labels.csv")).unwrap();
    let shown = check(broken.path(), &["--format", "json"]).success();
    assert!(shown.contains("labels: cannot read"), "labels stop no build: {shown}");
}

#[test]
fn a_file_is_told_by_its_cells_and_gets_lines_for_a_recipe() {
    let home = tempfile::tempdir().unwrap();
    let told = |name: &str, content: &[u8]| {
        let path = home.path().join(name);
        fs::write(&path, content).unwrap();
        run(&["check", text(&path)]).success()
    };
    let wide = told("wide.csv", b"\xef\xbb\xbfline;BRAF;MDM2\nA;1;\nB;2;3\n");
    assert!(
        wide.contains("semicolon separated, with byte order mark, 2 rows × 3 columns"),
        "{wide}"
    );
    assert!(wide.contains("missing: 1 cells") && wide.contains("a wide matrix"), "{wide}");
    let long = told(
        "gdsc.csv",
        b"COSMIC_ID,SANGER_MODEL_ID,DRUG_NAME,LN_IC50,NOTE\n1,S1,x,.5,a\n1,S2,x,.7,b\n",
    );
    let columns = "columns = { perturbation = \"DRUG_NAME\", readout = \"SANGER_MODEL_ID\", value = \"LN_IC50\" }";
    assert!(long.contains(columns), "{long}");
    let limma = told("limma.tsv", b"\tlogFC\tt\tP.Value\nTP53\t1\t2\t0\nMDM2\t1\t3\t0\n");
    assert!(limma.contains("in the column `t`") && limma.contains("search --signature"), "{limma}");
    assert!(told("names.csv", b"id,name\nx,aspirin\n").contains("[[annotation]]"));
    let parquet =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats/long.parquet"));
    let parquet = told("table.parquet", &parquet.unwrap());
    assert!(
        parquet.contains("table.parquet: Parquet, ") && parquet.contains("value = "),
        "{parquet}"
    );
    let gct = told("levels.gct", b"#1.3\n1\t1\t0\t0\nid\tS\nA\t1\n");
    assert!(gct.contains("GCT 1.3") && gct.contains("layout = \"gct\""), "{gct}");
    assert!(told("sets.gmt", b"SET\tna\tTP53\n").contains("gene sets (GMT)"));
    let book =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats/gdsc.xlsx"));
    let book = told("book.xlsx", &book.unwrap());
    assert!(book.contains("first sheet of an Excel workbook, 8 rows × 19 columns"), "{book}");
    let cells =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats/csr.h5ad"));
    let cells = told("cells.h5ad", &cells.unwrap());
    for part in [
        "AnnData, 12 samples × 5 readouts, CSR",
        "obs `cell_type`: 2 values, such as `A549`, `K562`",
        "layers: `raw/X`",
        "context = \"{cell_type}\"",
        "perturbation = \"{condition}\"",
        "controls = [\"ctrl\"]\nvalues = \"counts\"?",
    ] {
        assert!(cells.contains(part), "{part}: {cells}");
    }
    let path = home.path().join("latin.csv");
    fs::write(&path, b"line,dr\xfcg\nA,1\n").unwrap();
    assert!(run(&["check", text(&path)]).failure().contains("save the table as UTF-8"));
}

#[test]
fn a_shard_of_cells_as_lists_gets_lines_for_all_shards() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("train-00007-of-03388.parquet");
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats/tahoe.parquet");
    fs::copy(fixture, &path).unwrap();
    let lists = run(&["check", text(&path)]).success();
    for part in [
        "Parquet with lists, 162 samples\nlists: `genes`, `expressions`\n",
        "162 of the first samples begin with a value below 0",
        "column `cell_line_id`: 2 values, such as `CVCL_0023`, `CVCL_0480`",
        "file = \"train-*.parquet\"  # all files that have such names\nlayout = \"lists\"\n",
        "columns = { readout = \"genes\", value = \"expressions\" }\ncontext = \"{cell_line_id}\"",
        "perturbation = \"{drug}\"\ncollapse = \"mean\"\ncontrols = [\"DMSO_TF\"]\nvalues = \"counts\"?",
    ] {
        assert!(lists.contains(part), "{part}: {lists}");
    }
}

#[test]
fn an_index_tells_which_way_a_matrix_lies() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("turned.csv");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/index-v1");
    let index = phenocopy::index::Index::open(&folder).unwrap();
    let readouts: Vec<&str> = index.readout_names().symbols().iter().map(String::as_str).collect();
    let record = index.record(0).unwrap();
    let row = vec!["1"; readouts.len()].join(",");
    fs::write(&path, format!("name,{}\n{},{row}\n", readouts.join(","), record.name())).unwrap();
    let shown = run(&["check", text(&path), "--index", text(&folder)]).success();
    assert!(
        shown.contains("layout = \"wide-perturbation-rows\"\ntype = \"compound\"\n"),
        "{shown}"
    );
}
