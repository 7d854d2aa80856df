//! Signatures, combinations and features: queries that no screen of the index holds.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use super::{run, text};

/// An index of the demo recipe: a product head of one seed, which can fold in.
static DEMO: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = home.path().join("demo");
    let recipe = data("recipe.toml");
    run(&["build", text(&recipe), "-o", text(&path), "--seeds", "13"]).success();
    (home, path)
});

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/demo").join(file)
}

/// The raw profile of a compound in a screen of the demo: (readout, value) of each cell line.
fn profile(file: &str, compound: &str) -> Vec<(String, String)> {
    let content = std::fs::read_to_string(data(file)).unwrap();
    let rows: Vec<Vec<&str>> = content.lines().map(|line| line.split(',').collect()).collect();
    let column = rows[0].iter().position(|cell| *cell == compound).unwrap();
    let cells = rows[1..].iter().map(|row| (row[0].to_owned(), row[column].to_owned()));
    cells.filter(|(_, value)| !value.is_empty()).collect()
}

fn write_signature(header: &str, separator: char, rows: &[(String, String)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("my-signature.csv");
    let mut content = format!("{header}\n");
    rows.iter().for_each(|(name, value)| writeln!(content, "{name}{separator}{value}").unwrap());
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn search(arguments: &[&str]) -> super::Outcome {
    run(&[&["search", "--index", text(&DEMO.1)], arguments].concat())
}

fn ndjson(arguments: &[&str]) -> Vec<Value> {
    let lines = search(&[arguments, &["--format", "ndjson"]].concat()).success();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_profile_of_ones_own_finds_what_its_compound_finds() {
    let rows = profile("synthetic-screen-a.csv", "synthetic-005b");
    let (_folder, path) = write_signature("readout,value", ',', &rows);
    let objects =
        ndjson(&["--signature", text(&path), "--context", "Synthetic-Screen-A", "-k", "5"]);
    let origin = &objects[0]["data"]["origin"];
    assert_eq!(origin["kind"], "signature");
    assert_eq!(origin["context"], "synthetic-screen-a");
    assert_eq!(origin["context_guessed"], false);
    assert_eq!(origin["normalised"], true);
    let genes: Vec<&str> =
        objects[1..6].iter().map(|hit| hit["data"]["hit_gene"].as_str().unwrap()).collect();
    let named = ndjson(&["synthetic-005b", "-k", "5"]);
    let named: Vec<&str> =
        named[1..6].iter().map(|hit| hit["data"]["hit_gene"].as_str().unwrap()).collect();
    // Measured in one screen only, so that the folded-in profile is the row itself.
    assert_eq!(genes, named);
    let chemical = ["--context", "synthetic-screen-a", "--to", "chemical", "-k", "1"];
    let objects = ndjson(&[&["--signature", text(&path)], &chemical[..]].concat());
    let own = &objects[1]["data"];
    assert_eq!(own["hit_name"], "synthetic-005b");
    assert!(own["response_similarity"].as_f64().unwrap() > 0.9, "{own}");
}

#[test]
fn a_set_that_goes_up_and_down_is_a_signature() {
    let mut rows = profile("synthetic-screen-a.csv", "synthetic-005b");
    rows.sort_by(|a, b| a.1.parse::<f64>().unwrap().total_cmp(&b.1.parse::<f64>().unwrap()));
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    let folder = tempfile::tempdir().unwrap();
    let [gmt, grp] = ["sets.gmt", "low.grp"].map(|name| folder.path().join(name));
    let (low, high) = (&names[..15], &names[names.len() - 15..]);
    let sets = [("MINE_UP", high), ("OTHER", &names[10..30]), ("MINE_DN", low)];
    let lines = sets.map(|(name, members)| format!("{name}\tna\t{}\n", members.join("\t")));
    std::fs::write(&gmt, lines.concat()).unwrap();
    std::fs::write(&grp, format!("# ours\nnobody\n{}\n", low.join("\n"))).unwrap();
    let source = format!("{}:MINE", text(&gmt));
    let context = ["--context", "synthetic-screen-a", "-k", "5", "--format", "tsv"];
    let found = search(&[&["--signature", &source], &context[..]].concat());
    let said = "set `MINE`: 15 members count as +1, 15 as -1, all other readouts of the index as 0";
    assert!(found.stderr.contains(said), "{}", found.stderr);
    let (_folder, table) = write_signature("readout,value", ',', &rows);
    let whole = search(&[&["--signature", text(&table)], &context[..]].concat()).success();
    let hits = |tsv: &str| -> Vec<String> {
        tsv.lines().skip(1).filter_map(|line| line.split('\t').nth(2)).map(str::to_owned).collect()
    };
    let (found, whole) = (hits(&found.success()), hits(&whole));
    let n_common = found.iter().filter(|hit| whole.contains(hit)).count();
    assert!(n_common >= 2, "chance gives two of five in one of a hundred: {found:?} {whole:?}");
    let one = search(&["--signature", text(&grp), "--context", "synthetic-screen-a"]);
    assert!(one.stderr.contains("16 members count as +1, 0 as -1"), "{}", one.stderr);
    assert!(one.stderr.contains("not readouts of this index: `nobody`"), "{}", one.stderr);
    let several = search(&["--signature", text(&gmt)]).failure();
    assert!(several.contains("holds 2 sets: name one, "), "{several}");
    assert!(several.contains("such as `MINE`, `OTHER`"), "{several}");
    let unknown = search(&["--signature", &format!("{}:MIEN", text(&gmt))]).failure();
    assert!(unknown.contains("2 sets, none is `MIEN`"), "{unknown}");
    std::fs::write(&grp, "nobody\nno-one\n").unwrap();
    let strange = search(&["--signature", text(&grp)]).failure();
    assert!(strange.contains("0 of its 2 members are readouts of the index"), "{strange}");
}

#[test]
fn a_signature_says_as_what_it_was_placed_and_how_well_it_is_explained() {
    let rows = profile("synthetic-screen-a.csv", "synthetic-005b");
    let (_folder, path) = write_signature("\u{feff}gene;score\r", ';', &rows);
    let table = search(&["--signature", text(&path), "-k", "2"]).success();
    assert!(table.contains("my-signature.csv: signature of"), "{table}");
    let placed = "as a profile of synthetic-screen-a (best fit); values normalised as there";
    assert!(table.contains(placed), "{table}");
    assert!(table.contains("held-out readouts: r "), "{table}");
    assert!(!table.contains("  known  mechanism") && table.contains(" similarity "), "{table}");
    assert!(
        table.contains("effect ") && table.contains("times that of shuffled profiles"),
        "{table}"
    );
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn a_signature_of_noise_is_called_that() {
    let rows = profile("synthetic-screen-a.csv", "synthetic-005b");
    let noise = |(at, (name, _)): (usize, &(String, String))| {
        (name.clone(), (((at * 7919 + 13) % 101) as f32 / 50.0 - 1.0).to_string())
    };
    let rows: Vec<(String, String)> = rows.iter().enumerate().map(noise).collect();
    let (_folder, path) = write_signature("readout,value", ',', &rows);
    let outcome = search(&["--signature", text(&path), "--normalised"]);
    assert!(outcome.stderr.contains("explains nothing of this signature"), "{}", outcome.stderr);
    assert!(outcome.success().contains("CAUTION"));
}

#[test]
fn what_is_said_of_a_signature_is_refused_beside_a_name() {
    for option in [&["--context", "synthetic-screen-a"][..], &["--normalised"]] {
        let outcome = search(&[&["synthetic-005b"], option].concat());
        assert!(outcome.stderr.contains("cannot be used with"), "{}", outcome.stderr);
        assert!(outcome.stdout.is_empty(), "{}", outcome.stdout);
    }
}

#[test]
fn signatures_that_cannot_be_placed_say_why() {
    let rows = profile("synthetic-screen-a.csv", "synthetic-005b");
    let refused = |header: &str, rows: &[(String, String)], arguments: &[&str]| {
        let (_folder, path) = write_signature(header, ',', rows);
        search(&[&["--signature", text(&path)], arguments].concat()).failure()
    };
    let few = refused("readout,value", &rows[..5], &[]);
    assert!(few.contains("5 of its 5 readouts are known to the index, and 20 are needed"), "{few}");
    let others: Vec<(String, String)> =
        rows.iter().map(|(name, value)| (format!("{name}x"), value.clone())).collect();
    let unknown = refused("readout,value", &others, &[]);
    assert!(unknown.contains("0 of its") && unknown.contains("might be"), "{unknown}");
    let context = refused("readout,value", &rows, &["--context", "nowhere"]);
    assert!(context.contains("synthetic-screen-a, synthetic-screen-b"), "{context}");
    let mut bad = rows.clone();
    bad[2].1 = "1,2,3".into();
    assert!(refused("readout,value", &bad, &[]).contains("line 4"));
    bad[2].1 = "high".into();
    let number = refused("readout,value", &bad, &[]);
    assert!(number.contains("line 4") && number.contains("a number"), "{number}");
    assert!(refused("readout,value", &[], &[]).contains("none with a value"));
    let missing = search(&["--signature", "no-such-file.csv"]).failure();
    assert!(missing.contains("no-such-file.csv"), "{missing}");
}

#[test]
fn a_combination_is_the_mean_of_its_members_and_says_so() {
    let objects = ndjson(&["synthetic-005a + synthetic-005b", "-k", "3"]);
    let begin = &objects[0]["data"];
    assert_eq!(begin["origin"]["kind"], "combination");
    assert_eq!(begin["query"], "synthetic-005a + synthetic-005b");
    let table = search(&["synthetic-005a+synthetic-006a", "--to", "all", "-k", "3"]).success();
    assert!(table.contains("combination, not measured itself"), "{table}");
    let hits: Vec<&str> = table.lines().skip(5).take(3).collect();
    assert!(
        hits.iter().all(|hit| !hit.contains(" synthetic-005a ")),
        "members are no hits: {table}"
    );
    let sides = search(&["synthetic-005a+SYNG001"]).failure();
    assert!(sides.contains("combine compounds with compounds"), "{sides}");
    let unknown = search(&["synthetic-005a+synthetic-99zz"]).failure();
    assert!(unknown.contains("synthetic-99zz"), "{unknown}");
}

/// Features that give a compound's mechanism away: 001a and 001b have the same.
fn write_features(extra: &str) -> (TempDir, PathBuf) {
    let mut content = "name,f1,f2,f3\n".to_owned();
    let screen = std::fs::read_to_string(data("synthetic-screen-a.csv")).unwrap();
    for (at, compound) in screen.lines().next().unwrap().split(',').skip(1).enumerate() {
        // Four compounds share a mechanism, and stand beside each other.
        let mechanism = (at / 4) as f64;
        let [f1, f2, f3] = [0.7_f64, 1.9, 3.1].map(|rate| (mechanism * rate).sin());
        writeln!(content, "{compound},{f1},{f2},{f3}").unwrap();
    }
    content.push_str(extra);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("features.csv");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
fn a_compound_that_was_never_measured_is_placed_by_its_features_and_marked() {
    let (_folder, path) = write_features("my-new-one,0.1,0.2,0.3\n");
    let objects = ndjson(&["my-new-one", "--features", text(&path), "-k", "2"]);
    let origin = &objects[0]["data"]["origin"];
    assert_eq!((&origin["kind"], &origin["predicted"]), (&"features".into(), &true.into()));
    assert!(origin["cross_validated_top_tenth"].is_number());
    let table = search(&["my-new-one", "--features", text(&path), "-k", "2"]).success();
    assert!(table.contains("my-new-one: never measured; PREDICTED from 3 features"), "{table}");
    // What was measured is searched by its own vector.
    let measured = ndjson(&["synthetic-005b", "--features", text(&path), "-k", "2"]);
    assert_eq!(measured[0]["data"]["origin"]["kind"], "row");
}

#[test]
fn names_of_a_table_that_differ_in_signs_only_are_told_apart_or_refused() {
    let (_folder, path) = write_features("(+)-new,0.1,0.2,0.3\n(-)-new,0.9,-0.2,-0.3\n");
    let search =
        |name: &str| search(&[name, "--features", text(&path), "-k", "3", "--format", "tsv"]);
    assert_ne!(search("(+)-new").success(), search("(-)-new").success());
    let either = search("new").failure();
    assert!(either.contains("`(+)-new` or `(-)-new`"), "{either}");
    let (_folder, twice) = write_features("synthetic_001A,0.1,0.2,0.3\n");
    let twice =
        super::run(&["search", "new", "--index", text(&DEMO.1), "--features", text(&twice)]);
    let twice = twice.failure();
    assert!(twice.contains("`synthetic-001a` and `synthetic_001A` are the same"), "{twice}");
}

#[test]
fn features_that_cannot_be_used_say_why() {
    let refused = |extra: &str, query: &str| {
        let (_folder, path) = write_features(extra);
        search(&[query, "--features", text(&path)]).failure()
    };
    let missing = refused("my-new-one,0.1,,0.3\n", "my-new-one");
    assert!(missing.contains("column `f2`"), "{missing}");
    let twice = refused("my-new-one,1,2,3\nmy-new-one,1,2,3\n", "my-new-one");
    assert!(twice.contains("each name once"), "{twice}");
    let close = refused("my-new-one,1,2,3\n", "my-new-onee");
    assert!(close.contains("did you mean `my-new-one`?"), "{close}");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let few = folder.path().join("few.csv");
    std::fs::write(&few, "name,f1\nsynthetic-001a,1\nnew,2\n").unwrap();
    let few = search(&["new", "--features", text(&few)]).failure();
    assert!(few.contains("1 compounds and 0 genes") && few.contains("at least 30"), "{few}");
}

/// The first responses of each cell line as its features, and a cell line that is new.
#[cfg(feature = "train")]
fn write_cell_lines() -> (TempDir, PathBuf) {
    let content = std::fs::read_to_string(data("synthetic-knockout.csv")).unwrap();
    let rows = content.lines().map(|line| line.split(',').take(7).collect::<Vec<_>>().join(","));
    let mut table = rows.collect::<Vec<_>>().join("\n");
    table.push_str("\nMY-LINE,0.5,0.4,0.8,-0.1,1.5,0.1\n");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("cell-lines.csv");
    std::fs::write(&path, table).unwrap();
    (folder, path)
}

#[cfg(feature = "train")]
#[test]
fn a_cell_line_that_was_never_measured_is_predicted_from_its_features_and_marked() {
    let (_folder, path) = write_cell_lines();
    let predict = |more: &[&str]| {
        let arguments = ["predict", "--index", text(&DEMO.1), "--features", text(&path)];
        run(&[&arguments, more].concat())
    };
    let table = predict(&["--context", "synthetic-screen-a", "-k", "3"]).success();
    assert!(table.contains("MY-LINE: never measured; PREDICTED from 6 features"), "{table}");
    assert!(table.contains("as a readout of synthetic-screen-a, learnt from"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let tsv = ["SYNG001", "--context", "synthetic-knockout", "--format", "tsv"];
    let tsv = predict(&tsv).success();
    let rows: Vec<Vec<&str>> = tsv.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0][..4], ["unmeasured", "axis", "context", "symbol"]);
    assert_eq!(
        rows[1][..6],
        ["MY-LINE", "readout", "synthetic-knockout", "CRISPR-KO_SYNG001", "SYNG001", "MY-LINE"]
    );
    assert_eq!(rows.len(), 2);
    // Its response to this knock-out is the first feature, so the prediction must have its sign.
    assert!(rows[1][6].parse::<f32>().unwrap() > 0.0, "{tsv}");
    let missing = predict(&[]).failure();
    assert!(missing.contains("`context` must be one of synthetic-screen-a"), "{missing}");
    let none = predict(&["--context", "synthetic-screen-a", "-k", "0"]).failure();
    assert!(none.contains("`k` must be at least 1"), "{none}");
}

#[cfg(feature = "structures")]
#[test]
fn a_structure_is_placed_among_the_compounds_of_the_ready_index_and_marked() {
    let ready = concat!(env!("CARGO_MANIFEST_DIR"), "/index/cancer-viability");
    let search = |more: &[&str]| run(&[&["search", "--index", ready], more].concat());
    // A quinazoline that no screen of the index holds; its kind inhibits EGFR.
    let smiles = "c1ccc2c(c1)ncnc2Nc3cccc(Br)c3";
    let table = search(&["--smiles", smiles, "-k", "2"]).success();
    assert!(table.contains("never measured; PREDICTED from structures (ECFP4) of"), "{table}");
    assert!(
        table.lines().any(|line| line.starts_with("1  EGFR ") || line.starts_with(" 1  EGFR ")),
        "{table}"
    );
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let objects = search(&["--smiles", smiles, "-k", "1", "--format", "ndjson"]).success();
    let begin: Value = serde_json::from_str(objects.lines().next().unwrap()).unwrap();
    let origin = &begin["data"]["origin"];
    assert_eq!((&origin["kind"], &origin["predicted"]), (&"structure".into(), &true.into()));
    assert!(origin["nearest_tanimoto"].as_f64().unwrap() > 0.5, "{origin}");
    let bad = search(&["--smiles", "CC(=O"]).failure();
    assert!(bad.contains("mismatched parenthesis at position 5"), "{bad}");
    let several = search(&["--smiles", smiles, "--smiles", "CC(", "--smiles", "CCO", "-k", "1"]);
    assert!(several.stderr.contains("1 of 3 queries were not answered"), "{}", several.stderr);
    assert!(several.stdout.contains("\nCCO\n"), "{}", several.stdout);
}

#[test]
fn an_index_without_a_product_head_cannot_fold_in_and_says_so() {
    let rows = profile("synthetic-screen-a.csv", "synthetic-005b");
    let (_folder, path) = write_signature("readout,value", ',', &rows);
    let refused = run(&["search", "--index", super::planted(), "--signature", text(&path)]);
    assert!(refused.failure().contains("it holds no weights of a product head"));
}
