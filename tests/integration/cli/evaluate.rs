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

#[test]
fn prediction_is_reported_beside_its_baselines() {
    let report = run(&["evaluate", "prediction", text(&DEMO.1), "--data", DATA]).success();
    for method in ["phenocopy", "readout", "perturbation"] {
        assert!(report.contains(method), "{report}");
    }
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
