use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::{Outcome, listing, run, text};

const RECIPE: &str = r#"name = "small"
readout = "cell line"
duplicates = "error"
normalisation = ["median-centre", "unit-spread"]
labels = "labels.csv"

[[assay]]
file = "compounds.csv"
layout = "wide-readout-rows"
type = "compound"
context = "compounds"

[[assay]]
file = "genes.csv"
layout = "wide-readout-rows"
type = "crispr-knockout"
context = "genes"
"#;

/// A small recipe and its screens, to be spoilt.
struct Screens(TempDir);

impl Screens {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        fs::write(home.path().join("recipe.toml"), RECIPE).unwrap();
        fs::write(home.path().join("config.toml"), super::build::QUICK).unwrap();
        fs::write(home.path().join("labels.csv"), "compound,gene\ndrug2,GENE2\n").unwrap();
        for (file, agent) in [("compounds.csv", "drug"), ("genes.csv", "GENE")] {
            let mut table = "cell_line".to_owned();
            (0..8).for_each(|i| write!(table, ",{agent}{i}").unwrap());
            for line in 0..12 {
                write!(table, "\nline{line}").unwrap();
                (0..8).for_each(|_| write!(table, ",{:.3}", rng.random_range(-2.0..2.0)).unwrap());
            }
            fs::write(home.path().join(file), table + "\n").unwrap();
        }
        Self(home)
    }

    /// Has each row of the compounds' table rewritten, given its line and cells.
    fn with_rows(self, rewrite: impl Fn(usize, &mut Vec<String>)) -> Self {
        let path = self.0.path().join("compounds.csv");
        let table = fs::read_to_string(&path).unwrap();
        let lines = table.lines().enumerate().map(|(i, line)| {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            rewrite(i + 1, &mut cells);
            cells.join(",") + "\n"
        });
        fs::write(path, lines.collect::<String>()).unwrap();
        self
    }

    fn with_recipe(self, from: &str, to: &str) -> Self {
        assert!(RECIPE.contains(from));
        self.with("recipe.toml", RECIPE.replacen(from, to, 1).as_bytes())
    }

    fn with(self, file: &str, content: &[u8]) -> Self {
        fs::write(self.0.path().join(file), content).unwrap();
        self
    }

    fn build(&self) -> Outcome {
        let path = |name: &str| text(&self.0.path().join(name)).to_owned();
        let (recipe, config, index) = (path("recipe.toml"), path("config.toml"), path("index"));
        run(&["build", &recipe, "-o", &index, "--config", &config, "--seeds", "1"])
    }

    /// Builds, which must fail, leave nothing, and say all of this.
    fn refused(self, expected: &[&str]) {
        let message = self.build().failure();
        for part in expected {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        let left = listing(self.0.path());
        let is_left = |name: &String| name.starts_with("index") || name.starts_with('.');
        assert!(!left.iter().any(is_left), "{message}: {left:?}");
    }
}

#[test]
fn the_screens_as_they_are_can_be_built() {
    let screens = Screens::new();
    screens.build().success();
    assert!(screens.0.path().join("index/manifest.json").exists());
}

#[test]
fn a_recipe_that_asks_for_nonsense_is_refused_by_line_and_key() {
    let readme = "data/README.md describes every key";
    Screens::new()
        .with_recipe("readout =", "reedout =")
        .refused(&["recipe.toml`: line 2: unknown field `reedout`, expected one of", readme]);
    Screens::new().with_recipe("\"compound\"", "\"drug\"").refused(&["unknown variant `drug`"]);
    Screens::new().with_recipe("unit-spread", "quantile").refused(&["`quantile`", "`unit-spread`"]);
    Screens::new().with_recipe("\"genes\"", "\"compounds\"").refused(&["two assays", readme]);
    Screens::new().with("recipe.toml", b"name = \"x").refused(&["line 1"]);
    Screens::new().with("recipe.toml", b"").refused(&["missing field"]);
    Screens::new().with("recipe.toml", b"\xff\xfe").refused(&["recipe.toml"]);
}

#[test]
fn a_missing_file_is_named() {
    Screens::new().with_recipe("compounds.csv", "compuonds.csv").refused(&[
        "cannot read",
        "compuonds.csv",
        "check the path",
    ]);
    let message = run(&["build", "nowhere.toml", "-o", "never"]).failure();
    assert!(message.contains("cannot read `nowhere.toml`"), "{message}");
    assert!(!Path::new("never.training").exists());
}

#[test]
fn a_wrong_model_configuration_is_refused_by_line_before_anything_is_read() {
    let unknown = b"dropout = 0.1\nmax_epoch = 3\n";
    Screens::new()
        .with("config.toml", unknown)
        .refused(&["config.toml`, line 2: unknown field `max_epoch`", "correct or remove the key"]);
    let outcome = Screens::new().with("config.toml", b"max_epochs = 0\n").build();
    assert!(!outcome.stderr.contains("profiles read"), "{}", outcome.stderr);
    assert!(outcome.failure().contains("`max_epochs` must be at least 1, but is 0"));
}

#[test]
fn an_unknown_column_of_a_long_table_is_named_with_those_there_are() {
    let long = "layout = \"long\"\n\
        columns = { perturbation = \"drug\", readout = \"line\", value = \"vlaue\" }";
    Screens::new()
        .with("compounds.csv", b"line,drug,value\nline1,drug1,0.5\n")
        .with_recipe("layout = \"wide-readout-rows\"", long)
        .refused(&["a column `vlaue`", "`line`, `drug`, `value`", "did you mean `value`?"]);
}

#[test]
fn a_bad_cell_is_named_by_file_line_and_column() {
    for (cell, expected) in [("high", "expected a number"), ("inf", "expected a finite number")] {
        let spoil = |line, cells: &mut Vec<String>| {
            if line == 4 {
                cells[3] = cell.to_owned();
            }
        };
        let found = format!("found `{cell}`");
        Screens::new().with_rows(spoil).refused(&[
            "compounds.csv`, line 4, column `drug2`",
            expected,
            &found,
        ]);
    }
}

#[test]
fn a_broken_table_is_refused() {
    let cut = |line, cells: &mut Vec<String>| cells.truncate(if line == 6 { 4 } else { 99 });
    Screens::new().with_rows(cut).refused(&["line 6", "expected 9 cells", "found 4"]);
    Screens::new().with("compounds.csv", b"").refused(&["an empty file"]);
    let header = b"cell_line,drug0,drug1\n";
    Screens::new().with("compounds.csv", header).refused(&["found 0 rows and 2 columns"]);
    Screens::new().with("compounds.csv", b"PK\x03\x04").refused(&["ZIP archive or Excel"]);
}

#[test]
fn a_truncated_gzip_file_is_named() {
    let screens = Screens::new();
    let plain = fs::read(screens.0.path().join("compounds.csv")).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packer, &plain).unwrap();
    let packed = packer.finish().unwrap();
    screens.with("compounds.csv", &packed[..packed.len() / 2]).refused(&[
        "compounds.csv`",
        "one that ends too early",
        "fetch or write the file again",
    ]);
    Screens::new().with("compounds.csv", &packed).build().success();
}

#[test]
fn a_profile_that_says_nothing_is_left_out_and_reported() {
    for (cell, reason) in [("NA", "no value"), ("1.5", "constant")] {
        let spoil = |line, cells: &mut Vec<String>| {
            if line > 1 {
                cells[2] = cell.to_owned();
            }
        };
        let outcome = Screens::new().with_rows(spoil).build();
        let report = outcome.stderr.clone();
        assert!(report.contains("compounds: 8 profiles read, 7 kept"), "{report}");
        let expected = format!("1 left out ({reason}");
        assert!(report.contains(&expected) && report.contains("): drug1"), "{report}");
        assert!(outcome.success().contains("15 (7 trt_cp, 8 trt_xpr)"));
    }
}

#[test]
fn screens_without_any_value_are_refused() {
    let empty = |line, cells: &mut Vec<String>| {
        if line > 1 {
            cells[1..].iter_mut().for_each(|cell| *cell = "NaN".to_owned());
        }
    };
    Screens::new().with_rows(empty).refused(&["no readout is measured in", "readouts"]);
    let shared = |line, cells: &mut Vec<String>| {
        if line > 1 {
            cells[0] = format!("other{line}");
        }
    };
    Screens::new().with_rows(shared).refused(&["name their readouts alike"]);
}

#[test]
fn a_perturbation_that_comes_twice_is_refused_or_averaged_as_the_recipe_says() {
    let twice = |line, cells: &mut Vec<String>| {
        if line == 1 {
            cells[2] = "Drug-0".to_owned();
        }
    };
    let twice = Screens::new().with_rows(twice);
    let message = twice.build().failure();
    assert!(message.contains("has 2 profiles: `drug0`, `Drug-0`"), "{message}");
    assert!(message.contains("set `duplicates = \"mean\"`"), "{message}");
    let averaged = twice.with_recipe("\"error\"", "\"mean\"").build().success();
    assert!(averaged.contains("15 (7 trt_cp, 8 trt_xpr)"), "{averaged}");
}

#[test]
fn seeds_that_repeat_are_refused() {
    let screens = Screens::new();
    let recipe = screens.0.path().join("recipe.toml");
    let index = screens.0.path().join("index");
    let message = run(&["build", text(&recipe), "-o", text(&index), "--seeds", "3,4,3"]).failure();
    assert!(message.contains("`seeds` must be all different, but is 3 twice"), "{message}");
}
