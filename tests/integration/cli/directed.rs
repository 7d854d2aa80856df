use std::fmt::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use tempfile::TempDir;

use super::{run, text};

const GENES: usize = 80;
const READOUTS: usize = 40;

/// The data of two assays of the same genes, and an index of them: every gene is in one of five programmes, which move
/// readouts, over-expression one way and knock-down the other.
static WORLD: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut recipe = "name = \"programmes\"\nlicence = \"CC0\"\nreadout = \"gene\"\nnormalisation = [\"unit-scale\"]\n".to_owned();
    for (file, kind, sign) in [("oe", "overexpression", 1.0), ("kd", "shrna", -1.0)] {
        std::fs::write(home.path().join(format!("{file}.csv")), matrix(sign)).unwrap();
        write!(
            recipe,
            "[[assay]]\nfile = \"{file}.csv\"\nlayout = \"wide-perturbation-rows\"\ntype = \"{kind}\"\ncontext = \"{file}\"\n"
        )
        .unwrap();
    }
    let path = home.path().join("recipe.toml");
    std::fs::write(&path, recipe).unwrap();
    let index = home.path().join("index");
    run(&["build", text(&path), "-o", text(&index), "--seeds", "13"]).success();
    (home, index)
});

fn matrix(sign: f64) -> String {
    let mut rows = "gene".to_owned();
    (0..READOUTS).for_each(|readout| write!(rows, ",GENE{readout}").unwrap());
    let mut state = if sign > 0.0 { 7_u64 } else { 11 };
    for gene in 0..GENES {
        write!(rows, "\nGENE{gene}").unwrap();
        for readout in 0..READOUTS {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = (state >> 40) as f64 / f64::from(1 << 23) - 1.0;
            let moves = if readout % 5 == gene % 5 { 2.0 } else { 0.0 };
            let direction = if readout % 2 == 0 { 1.0 } else { -1.0 };
            write!(rows, ",{:.3}", sign * moves * direction + noise).unwrap();
        }
    }
    rows
}

fn directed(arguments: &[&str]) -> super::Outcome {
    run(&[&["network", "--directed", "--index", text(&WORLD.1)], arguments].concat())
}

#[test]
fn a_directed_network_is_shown_written_and_narrowed() {
    let table = directed(&["-k", "3", "--max-q", "1"]).success();
    assert!(table.contains("pairs over-expression-readout are edges"), "{table}");
    assert!(table.contains("perturbation") && table.lines().all(|line| line.chars().count() <= 80));
    let output = WORLD.0.path().join("edges.graphml");
    directed(&["--max-q", "1", "--type", "trt_oe", "-o", text(&output)]).success();
    let xml = std::fs::read_to_string(&output).unwrap();
    assert_eq!(xml.matches("<edge ").count(), GENES * READOUTS);
    let rows = directed(&["--around", "GENE7", "--max-q", "1", "--format", "tsv"]).success();
    let edges: Vec<Vec<&str>> =
        rows.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert!(edges.iter().all(|cells| cells[5] == "GENE7" || cells[1] == "GENE7"));
    // Two perturbations of it at all readouts, and two of each other gene at it.
    assert_eq!(edges.len(), 2 * READOUTS + 2 * (GENES - 1));
    assert!(edges.iter().all(|cells| matches!(cells[11], "0/1" | "1/1")), "its own context");
    let signs: Vec<&str> = edges
        .iter()
        .filter(|cells| cells[3] == "GENE12" && cells[2] == "GENE7")
        .map(|cells| cells[6])
        .collect();
    assert!(signs.contains(&"raises") && signs.contains(&"lowers"), "{signs:?}");
    let message = directed(&["--around", "GENE707"]).failure();
    assert!(message.contains("GENE707"), "{message}");
    let schema = run(&["schema", "network", "--format", "tsv"]).success();
    for column in rows.lines().next().unwrap().split('\t') {
        assert!(schema.contains(&format!("\ndirected.{column}\t")), "{column}");
    }
}

#[test]
fn an_assay_that_was_held_out_judges_the_edges() {
    let data = text(WORLD.0.path());
    let evaluate = |more: &[&str]| {
        run(&[&["evaluate", "directed", text(&WORLD.1), "--data", data], more].concat())
    };
    let report = evaluate(&["--hold-out", "KD"]).success();
    assert!(report.contains("responses in kd, which was held out"), "{report}");
    for method in ["random", "readout mean", "measured, centred", "profiles and model"] {
        assert!(report.contains(method), "{report}");
    }
    let rows = evaluate(&["--hold-out", "kd", "--format", "tsv"]).success();
    let value = |metric: &str| -> f64 {
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        let column = cells(rows.lines().next().unwrap()).iter().position(|name| name == metric);
        let line = rows.lines().find(|line| line.contains("\tphenocopy\t")).unwrap();
        cells(line)[column.unwrap()].parse().unwrap()
    };
    assert!(value("sign of 100") > 0.9 && value("Pearson") > 0.3, "{rows}");
    let message = evaluate(&["--hold-out", "nowhere"]).failure();
    assert!(message.contains("a genetic one of oe, kd"), "{message}");
}
