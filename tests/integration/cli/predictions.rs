//! `phenocopy predict` as its users run it, on the index that comes with the repository and on a small one.

use std::fs;
use std::path::PathBuf;

use phenocopy::table::{Rows, TextFormat};
use tempfile::TempDir;

use super::{Outcome, planted, run, text};

const READY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/index/cancer-viability");
const HEADER: [&str; 13] = [
    "perturbation",
    "name",
    "type",
    "context",
    "readout",
    "readout_name",
    "predicted",
    "spread",
    "status",
    "n_members",
    "flags",
    "asked",
    "index",
];

fn predict(arguments: &[&str]) -> Outcome {
    run(&[&["predict", "--index", READY], arguments].concat())
}

fn rows(tsv: &str) -> Vec<Vec<&str>> {
    tsv.lines().map(|line| line.split('\t').collect()).collect()
}

fn write(name: &str, content: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn a_table_shows_the_largest_responses_their_status_and_what_they_are_worth() {
    let table = predict(&["venetoclax", "--context", "gdsc2", "GDSC1", "-k", "3"]).success();
    assert!(
        table.contains("venetoclax in GDSC2\nPREDICTED by 5 models; measured there\n"),
        "{table}"
    );
    assert!(
        table.contains("venetoclax in GDSC1\nPREDICTED by 5 models; INTERPOLATED: "),
        "{table}"
    );
    assert_eq!(table.matches("\n3 of 647 readouts\n").count(), 2, "{table}");
    let units = "GDSC2: units median-centre, remove-readout-mean, unit-spread\n  1 is the spread";
    assert!(table.contains(units), "{table}");
    assert!(table.contains("held-out values without knock-outs: RMSE 0.805, R² 0.361"), "{table}");
    assert!(table.ends_with("it holds no measured values\n"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn several_perturbations_meet_several_contexts_and_some_readouts() {
    let pairs = ["venetoclax", "BCL2", "--context", "GDSC2", "CRISPR"];
    let options = ["--readouts", "MOLM-13,OCI-AML2", "--format", "tsv"];
    let tsv = predict(&[&pairs[..], &options].concat()).success();
    let rows = rows(&tsv);
    assert_eq!(rows[0], HEADER);
    let told: Vec<[&str; 5]> =
        rows[1..].iter().map(|row| [row[0], row[3], row[5], row[8], row[10]]).collect();
    assert_eq!(
        told,
        [
            ["venetoclax", "GDSC2", "MOLM-13", "measured", ""],
            ["venetoclax", "GDSC2", "OCI-AML2", "measured", ""],
            ["venetoclax", "CRISPR", "MOLM-13", "interpolated", "other_side"],
            ["venetoclax", "CRISPR", "OCI-AML2", "interpolated", "other_side"],
            ["CRISPR-KO_BCL2", "GDSC2", "MOLM-13", "interpolated", "other_side"],
            ["CRISPR-KO_BCL2", "GDSC2", "OCI-AML2", "interpolated", "other_side"],
            ["CRISPR-KO_BCL2", "CRISPR", "MOLM-13", "measured", ""],
            ["CRISPR-KO_BCL2", "CRISPR", "OCI-AML2", "measured", ""],
        ]
    );
    let is_number = |cell: &str| cell.parse::<f64>().is_ok_and(f64::is_finite);
    assert!(rows[1..].iter().all(|row| is_number(row[6]) && is_number(row[7]) && row[9] == "5"));
    // Leukaemias that die of venetoclax.
    assert!(rows[1][6].parse::<f64>().unwrap() < -1.0, "{tsv}");
}

#[test]
fn words_behind_a_context_that_name_perturbations_are_meant_to() {
    let before = predict(&["venetoclax", "--context", "GDSC2", "-k", "2"]).success();
    assert_eq!(predict(&["--context", "GDSC2", "venetoclax", "-k", "2"]).success(), before);
    let named = ["--perturbation", "venetoclax", "--context", "GDSC2", "-k", "2"];
    assert_eq!(predict(&named).success(), before);
    let all = predict(&["ABT-199", "--readouts", "MOLM-13", "--format", "tsv"]).success();
    let contexts: Vec<&str> = rows(&all)[1..].iter().map(|row| row[3]).collect();
    assert_eq!(contexts, ["GDSC1", "GDSC2", "CTRPv2", "CRISPR"]);
    assert!(all.lines().skip(1).all(|line| line.starts_with("venetoclax\t")), "{all}");
}

#[test]
fn a_table_of_pairs_is_predicted_row_by_row_and_what_is_unknown_does_not_stop_it() {
    let pairs = "drug,assay,line\nvenetoclax,GDSC2,MOLM-13\nvenetoclax,GDSC2,OCI-AML2\n\
        venetoklax,GDSC2,MOLM-13\nnutlin-3a,CTRPv2,NA\nvenetoclax,HL60 screen,MOLM-13\n";
    let (_folder, path) = write("pairs.csv", pairs);
    let table = format!("{}:drug,assay,line", text(&path));
    let outcome = predict(&["--table", &table, "--format", "tsv"]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("nothing here is called `venetoklax`; did you mean"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("context `HL60 screen`: the model was not"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("2 of 4 pairs were not predicted"), "{}", outcome.stderr);
    let all = rows(&outcome.stdout);
    assert_eq!(all.len(), 1 + 2 + 647);
    assert_eq!((all[1][5], all[2][5], all[3][3]), ("MOLM-13", "OCI-AML2", "CTRPv2"));
    let (_folder, standard) = write("standard.csv", "context,perturbation\nCRISPR,BCL2\n");
    let tsv = predict(&["--table", text(&standard), "-k", "1", "--format", "tsv"]).success();
    assert_eq!(rows(&tsv)[1][..4], ["CRISPR-KO_BCL2", "BCL2", "trt_xpr", "CRISPR"]);
    let unnamed = predict(&["--table", text(&path)]).failure();
    assert!(unnamed.contains("expected columns `perturbation`, `context`"), "{unnamed}");
    assert!(unnamed.contains("FILE:PERTURBATION,CONTEXT"), "{unnamed}");
    let (_folder, hole) = write("hole.csv", "perturbation,context\nBCL2,\n");
    let hole = predict(&["--table", text(&hole)]).failure();
    assert!(hole.contains("line 2, column `context`: expected a name"), "{hole}");
}

#[test]
fn parquet_holds_what_tsv_does_and_the_schema_describes_both() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("predicted.parquet");
    let pairs = ["venetoclax", "nutlin-3a", "--context", "GDSC1", "GDSC2"];
    let output = ["--format", "parquet", "-o", text(&path)];
    assert_eq!(predict(&[&pairs[..], &output].concat()).success(), "");
    let tsv = predict(&[&pairs[..], &["--format", "tsv"]].concat()).success();
    let tsv = rows(&tsv);
    let mut file = Rows::open(&path, TextFormat::Detect).unwrap();
    assert_eq!(file.header(), tsv[0]);
    for written in &tsv[1..] {
        let read = file.next_row().unwrap().unwrap();
        for (at, (read, written)) in read.iter().zip(written).enumerate() {
            match at {
                6 | 7 => {
                    let [read, written] = [read, *written].map(|n| n.parse::<f64>().unwrap());
                    assert!((read - written).abs() <= 1e-5 * written.abs(), "{read} {written}");
                }
                _ => assert_eq!(read, written),
            }
        }
    }
    assert!(file.next_row().unwrap().is_none() && tsv.len() == 1 + 4 * 647);
    let schema = run(&["schema", "predictions", "--format", "tsv"]).success();
    let names: Vec<&str> = rows(&schema)[1..].iter().map(|line| line[0]).collect();
    assert_eq!(names, HEADER);
    let bytes = fs::read(&path).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("phenocopy.fingerprint") && holds("3ad38e743d45bcca") && holds("13,14,15,16,17"));
}

#[test]
fn what_cannot_be_predicted_is_refused_with_the_reason_and_leaves_no_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("predicted.tsv");
    let output = ["--format", "tsv", "-o", text(&path)];
    let refused = |arguments: &[&str]| predict(&[arguments, &output].concat()).failure();
    let context = refused(&["venetoclax", "--context", "GDSC3"]);
    assert!(context.contains("did you mean `GDSC"), "{context}");
    let combination = refused(&["venetoclax+BCL2", "--context", "GDSC2"]);
    assert!(combination.contains("joins a compound and a genetic perturbation"), "{combination}");
    let readout = refused(&["venetoclax", "--context", "GDSC2", "--readouts", "MOLM13x"]);
    assert!(readout.contains("did you mean `MOLM"), "{readout}");
    assert!(refused(&["venetoclax", "-k", "0"]).contains("`k` must be at least 1"));
    assert!(!path.exists());
    let none = run(&["predict", "GENE3", "--index", planted()]).failure();
    assert!(none.contains("it holds no model, so it predicts no responses"), "{none}");
    assert_eq!(predict(&[]).code, Some(2));
    assert_eq!(predict(&["venetoclax", "--table", "pairs.csv"]).code, Some(2));
}

#[test]
fn a_signature_is_folded_in_and_predicted_in_every_context() {
    // What the model itself predicts is a profile that it explains.
    let own = predict(&["venetoclax", "--context", "GDSC2", "--format", "tsv"]).success();
    let values: Vec<String> =
        rows(&own)[1..].iter().map(|row| format!("{},{}\n", row[5], row[6])).collect();
    let (_folder, path) = write("mine.csv", &format!("readout,value\n{}", values.concat()));
    let signature = ["--signature", text(&path), "--context", "GDSC2", "--normalised"];
    let tsv = predict(&[&signature[..], &["--format", "tsv"]].concat()).success();
    let all = rows(&tsv);
    assert_eq!((all.len(), &all[0][..]), (1 + 4 * 647, &HEADER[..]));
    assert!(all[1..].iter().all(|row| row[0] == "mine.csv" && row[8] == "folded-in"));
    let table = predict(&[&signature[..], &["-k", "2"]].concat()).success();
    assert!(table.starts_with("mine.csv: signature of 647 readouts, folded in\n"), "{table}");
    assert!(table.contains("mine.csv in CTRPv2\nPREDICTED by 5 models; folded in\n"), "{table}");
    assert!(table.contains("CAUTION: no compound was measured there"), "{table}");
    let two = predict(&["--signature", text(&path), "--context", "GDSC2", "GDSC1"]).failure();
    assert!(two.contains("`context` must be the one of the signature"), "{two}");
}
