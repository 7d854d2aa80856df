use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

use super::build::{QUICK, Workshop};
use super::{run, text};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo");

static DEMO: LazyLock<(Workshop, PathBuf)> = LazyLock::new(|| {
    let workshop = Workshop::new(QUICK);
    workshop.build(&[]).success();
    let index = workshop.index();
    (workshop, index)
});

fn retrieval(data: &str, more: &[&str]) -> super::Outcome {
    let index = text(&DEMO.1);
    run(&[&["evaluate", "retrieval", index, "--data", data], more].concat())
}

#[test]
fn retrieval_is_reported_beside_its_baselines() {
    let report = retrieval(DATA, &["--format", "tsv"]).success();
    assert!(report.starts_with("table\tmethod\thit@1\t"), "{report}");
    for method in ["random", "correlation", "whitened-correlation", "phenocopy"] {
        assert!(report.contains(&format!(" queries)\t{method}\t")), "{report}");
    }
    assert!(report.contains("\tphenocopy - correlation\t"), "{report}");
    let is_named =
        |line: &str| line.ends_with("\tindex") || line.contains("\tindex synthetic-demo ");
    assert!(report.lines().all(is_named), "{report}");
    let markdown = retrieval(DATA, &["--format", "markdown"]).success();
    assert!(markdown.starts_with("### retrieval of known targets"), "{markdown}");
    assert!(markdown.trim_end().lines().last().unwrap().starts_with("index synthetic-demo "));
}

/// The rows of a TSV, without headers, as cells.
fn rows(report: &str) -> Vec<Vec<&str>> {
    let rows = report.lines().filter(|line| !line.starts_with("table\t"));
    rows.map(|line| line.split('\t').collect()).collect()
}

#[test]
fn retrieval_is_reported_group_by_group_behind_the_whole() {
    let whole = retrieval(DATA, &["--format", "tsv"]).success();
    let by = ["--format", "tsv", "--by", "assay,mechanism", "--by", "half", "--by", "assay"];
    let report = retrieval(DATA, &by).success();
    let groups = report.strip_prefix(&whole).expect("the whole comes first, unchanged");
    let titles: Vec<&str> = groups.lines().filter(|line| line.starts_with("table\t")).collect();
    let columns = "queries\tgenes\trandom\tcorrelation\twhitened-correlation\tphenocopy\t\
                   phenocopy_lower\tphenocopy_upper\tphenocopy - whitened-correlation\t";
    assert_eq!(titles.len(), 9, "asked twice is answered once: {groups}");
    assert!(titles.iter().all(|title| title.contains(columns) || title.contains("mechanism")));
    let rows = rows(groups);
    let of_table = |title: &str| -> Vec<&str> {
        rows.iter().filter(|row| row[0] == title).map(|row| row[1]).collect()
    };
    let assays = ["synthetic-screen-a", "synthetic-screen-b"];
    assert_eq!(of_table("MRR by assay (all queries)"), assays, "{groups}");
    assert_eq!(of_table("AUROC by half (all queries)"), ["even", "odd"], "{groups}");
    assert!(rows.iter().all(|row| row[2].parse::<usize>().unwrap() >= 5), "{groups}");
    let table = retrieval(DATA, &["--by", "mechanism"]).success();
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("a compound counts in each mechanism"), "{table}");
    let wrong = retrieval(DATA, &["--by", "gene"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}

#[test]
fn a_report_as_json_is_one_document_that_names_index_and_command() {
    let report = retrieval(DATA, &["--format", "json", "--by", "assay"]).success();
    let document: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&document["type"], &document["index"]),
        (&"metrics".into(), &"synthetic-demo".into())
    );
    assert_eq!(document["fingerprint"].as_str().unwrap().len(), 16, "{report}");
    assert!(document["command"].as_str().unwrap().contains("evaluate retrieval"), "{report}");
    let tables = document["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 2 + 3);
    assert_eq!(tables[0]["rows"][0]["name"], "random");
    let mrr = &tables[0]["rows"][1]["values"]["MRR"];
    let end = |name: &str| mrr[name].as_f64().unwrap();
    assert!(end("lower") <= end("value") && end("value") <= end("upper"), "{mrr}");
    let of_assay = &tables[3]["rows"][0]["values"];
    assert!(of_assay["queries"]["value"].is_u64() && of_assay["random"].get("lower").is_none());
    let honesty = ["evaluate", "honesty", text(&DEMO.1), "--data", DATA, "--format", "json"];
    let honesty = run(&honesty).success();
    assert!(serde_json::from_str::<serde_json::Value>(&honesty).is_ok(), "{honesty}");
}

#[test]
fn a_retrieval_is_drawn_with_every_method_and_the_report_stays_as_it_is() {
    let plot = DEMO.0.path("retrieval.svg");
    let report = retrieval(DATA, &["--plot", text(&plot)]).success();
    assert_eq!(report, retrieval(DATA, &[]).success());
    let picture = fs::read_to_string(&plot).unwrap();
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"), "{picture}");
    for name in ["random", "whitened-correlation", "phenocopy", "k (log scale)", "hit@k"] {
        assert!(picture.contains(name), "{name}: {picture}");
    }
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    let nowhere = retrieval(DATA, &["--plot", "no-such-folder/x.svg"]).failure();
    assert!(nowhere.contains("no-such-folder"), "{nowhere}");
}

#[test]
fn honesty_says_who_has_a_significant_hit() {
    let index = text(&DEMO.1);
    let report = run(&["evaluate", "honesty", index, "--data", DATA]).success();
    assert!(report.contains("shuffled profiles, folded in"), "{report}");
    assert!(report.contains("HONEST") && !report.contains("NOT HONEST"), "{report}");
    assert!(report.lines().all(|line| line.chars().count() <= 80), "{report}");
}

#[cfg(feature = "train")]
#[test]
fn held_out_values_are_predicted_better_than_by_the_baselines_on_a_small_screen() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let index = home.path().join("whole");
    // The default configuration: 190 profiles are few for its 128 dimensions.
    run(&["build", super::build::RECIPE, "-o", text(&index), "--seeds", "13"]).success();
    let arguments = ["evaluate", "prediction", text(&index), "--data", DATA, "--format", "tsv"];
    let report = run(&arguments).success();
    let scope = "held-out values: without CRISPR knock-outs";
    let rows = report.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    // What an index predicts by itself is no baseline.
    let of_scope: Vec<Vec<&str>> =
        rows.filter(|row| row[0] == scope && row[1] != "trained model").collect();
    let rmse = |row: &Vec<&str>| row[3].parse::<f64>().unwrap();
    let (ours, baselines): (Vec<_>, Vec<_>) =
        of_scope.into_iter().partition(|row| row[1] == "phenocopy");
    assert!(baselines.len() > 4, "{report}");
    assert!(baselines.iter().all(|row| rmse(row) > rmse(&ours[0])), "{report}");
}

/// A retrained evaluation of the demo, which has two chemical screens.
#[cfg(feature = "train")]
fn evaluate(what: &str, more: &[&str]) -> super::Outcome {
    run(&[&["evaluate", what, text(&DEMO.1), "--data", DATA], more].concat())
}

#[cfg(feature = "train")]
#[test]
fn the_effect_of_data_is_a_table_and_a_picture() {
    let (workshop, _) = &*DEMO;
    let plot = workshop.path("scaling.svg");
    let arguments = ["--shares", "0.5,1", "--format", "tsv", "--plot", text(&plot)];
    let table = evaluate("scaling", &arguments).success();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|cell| *cell == name).unwrap();
    let names: Vec<&str> =
        rows.iter().map(|row| row[1]).filter(|name| *name != rows[0][1]).collect();
    let both = "synthetic-screen-a + synthetic-screen-b";
    assert_eq!(names, ["50 %", "100 %", "synthetic-screen-a", both], "{table}");
    let values: Vec<f64> =
        rows.iter().filter_map(|row| row[column("values")].parse().ok()).collect();
    assert!(values[0] < values[1] && values[2] < values[3], "{table}");
    assert!(
        rows.iter().filter_map(|row| row[column("MRR")].parse().ok()).all(|mrr: f64| mrr > 0.0)
    );
    let picture = fs::read_to_string(&plot).unwrap();
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{picture}");
    assert!(picture.contains("hit@10") && picture.contains("synthetic-screen-b"));
    let share = evaluate("scaling", &["--shares", "2"]).failure();
    assert!(share.contains("`shares` must be above 0 and at most 1"), "{share}");
    let nowhere = evaluate("scaling", &["--plot", "no-such-folder/x.svg"]).failure();
    assert!(nowhere.contains("no-such-folder"), "{nowhere}");
}

#[cfg(feature = "train")]
#[test]
fn compounds_of_a_screen_that_was_left_out_are_folded_in_beside_the_trained_ones() {
    let table =
        evaluate("fold-in", &["--context", "Synthetic screen B", "--format", "tsv"]).success();
    // All of the demo's second screen are in the first, too.
    let is_asked = |line: &&str| line.contains("compounds measured in synthetic-screen-b");
    let of_group: Vec<&str> = table.lines().filter(is_asked).collect();
    assert!(of_group.iter().any(|line| line.contains("\ttrained\t")), "{table}");
    assert!(of_group.iter().any(|line| line.contains("\tas synthetic-screen-a\t")), "{table}");
    assert!(!table.contains("measured only in"), "{table}");
    let context = evaluate("fold-in", &["--context", "synthetic-knockouts"]).failure();
    assert!(context.contains("a chemical one of"), "{context}");
}

fn labels(content: &str) -> (TempDir, String) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("labels.csv");
    fs::write(&path, content).unwrap();
    let path = text(&path).to_owned();
    (home, path)
}

#[test]
fn labels_that_cannot_be_used_say_why() {
    let cases = [
        ("compound,target\nsynthetic-001a,SYNG001\n", "expected a column `gene`"),
        ("drug,gene\nsynthetic-001a,SYNG001\n", "expected a column `compound`"),
        ("compound,gene\n", "at least one pair of compound and gene"),
        ("compound,gene\nNA,SYNG001\n", "at least one pair of compound and gene"),
        ("compound,gene\naspirin,SYNG001\n", "(1 compounds and 0 genes are unknown)"),
        ("compound,gene\nsynthetic-001a,PTGS1\n", "(0 compounds and 1 genes are unknown)"),
    ];
    for (content, expected) in cases {
        let (_home, path) = labels(content);
        let message = retrieval(DATA, &["--labels", &path]).failure();
        assert!(message.contains(expected), "{content}: {message}");
        assert!(message.contains(';'), "no advice: {message}");
    }
    let missing = retrieval(DATA, &["--labels", "nowhere.csv"]).failure();
    assert!(missing.contains("cannot read `nowhere.csv`"), "{missing}");
}

#[test]
fn data_that_are_not_there_are_named_and_a_wrong_panel_too() {
    let message = retrieval("nowhere", &[]).failure();
    assert!(message.contains("cannot read `nowhere/labels.csv`"), "{message}");
    let message = retrieval(DATA, &["--panel", "drugs"]).failure();
    assert!(message.contains("`panel` must be a genetic type such as trt_xpr"), "{message}");
    let message = retrieval(DATA, &["--panel", "trt_oe"]).failure();
    assert!(message.contains("trt_oe") || message.contains("over-expression"), "{message}");
}

#[test]
fn other_data_than_the_index_was_made_from_are_pointed_out() {
    let home = tempfile::tempdir().unwrap();
    for file in fs::read_dir(Path::new(DATA)).unwrap().map(|entry| entry.unwrap().path()) {
        let mut content = fs::read(&file).unwrap();
        if file.ends_with("synthetic-genes.csv") {
            content.push(b'\n');
        }
        fs::write(home.path().join(file.file_name().unwrap()), content).unwrap();
    }
    let outcome = retrieval(text(home.path()), &[]);
    assert!(
        outcome.stderr.contains("warning: `synthetic-genes.csv` is not the file the index"),
        "{}",
        outcome.stderr
    );
    outcome.success();
}
