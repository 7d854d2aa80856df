use std::fs;
use std::path::Path;

use phenocopy::dataset::{Dataset, DatasetOptions, MergeReason, ProfileKey, Recipe, Split};
use phenocopy::experiment::Annotation;
use proptest::prelude::*;

/// CMap's matrices: GCT and GCTX.
mod formats;
/// AnnData: cells and pseudo-bulk, against controls.
mod h5ad;
/// Parquet whose rows are cells with lists, as Tahoe-100M is published.
mod lists;
/// The files of DepMap, GDSC, PRISM and CTRPv2 as they are published.
mod public;
/// The recipes of the repository on the real screens.
mod real;
/// Sample tables: contexts by pattern, filters with units, replicates collapsed.
mod samples;
/// The synthetic world and the demo files it writes.
mod synthetic;
/// Names and units that lead users astray: resolved with a notice, or refused with a suggestion.
mod traps;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

const HEAD: &str = "name = \"small\"\nlicence = \"CC0\"\nreadout = \"cell line\"\n";

/// A folder with files and a recipe to read them by.
struct Lab {
    folder: tempfile::TempDir,
    recipe: String,
}

impl Lab {
    fn new(head: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), recipe: format!("{HEAD}{head}\n") }
    }

    /// Adds an assay of readout rows.
    fn assay(self, context: &str, kind: &str, text: &str) -> Self {
        self.assay_with(context, kind, text, "layout = \"wide-readout-rows\"")
    }

    fn assay_with(mut self, context: &str, kind: &str, text: &str, keys: &str) -> Self {
        fs::write(self.folder.path().join(format!("{context}.csv")), text).unwrap();
        self.recipe += &format!(
            "[[assay]]\nfile = \"{context}.csv\"\ntype = \"{kind}\"\ncontext = \"{context}\"\n{keys}\n"
        );
        self
    }

    fn annotation(mut self, kind: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(format!("{kind}s.csv")), text).unwrap();
        self.recipe += &format!(
            "[[annotation]]\nfor = \"{kind}\"\nfile = \"{kind}s.csv\"\n[annotation.columns]\nname = [\"name\"]\nsynonyms = [\"synonyms\"]\n"
        );
        if kind == "compound" {
            self.recipe += "inchi_key = \"inchi\"\n";
        }
        self
    }

    fn read(&self, options: &DatasetOptions) -> phenocopy::Result<Dataset> {
        let recipe = Recipe::parse(&self.recipe, "lab.toml".as_ref())?;
        Dataset::from_recipe(&recipe, self.folder.path(), options)
    }

    fn dataset(&self) -> Dataset {
        self.read(&DatasetOptions::default()).unwrap()
    }

    fn refusal(&self) -> String {
        self.read(&DatasetOptions::default()).unwrap_err().to_string()
    }
}

fn symbols(dataset: &Dataset) -> Vec<String> {
    dataset.perturbations.iter().map(|perturbation| perturbation.symbol()).collect()
}

fn annotation<'a>(dataset: &'a Dataset, name: &str) -> &'a Annotation {
    dataset.annotations.iter().find(|annotation| annotation.name == name).unwrap()
}

fn merged(dataset: &Dataset) -> Vec<(&str, &str, MergeReason)> {
    dataset.report.merges.iter().map(|m| (m.from.as_str(), m.to.as_str(), m.reason)).collect()
}

/// All rows as bits, so that NaN equals NaN.
fn bits(dataset: &Dataset) -> Vec<Vec<u32>> {
    let row = |profile| dataset.profiles.row(profile).into_iter().map(f32::to_bits).collect();
    (0..dataset.profiles.n_profiles()).map(row).collect()
}

#[test]
fn perturbations_are_sorted_by_side_and_symbol_and_profiles_by_perturbation() {
    let lab = Lab::new("")
        .assay("ko", "crispr-knockout", "line,MDM2,BRAF\nA,1,2\nB,3,5\nC,0,1\n")
        .assay("drugs", "compound", "line,zebularine,afatinib\nA,1,2\nB,3,5\nD,1,1\n");
    let dataset = lab.dataset();
    assert_eq!(symbols(&dataset), ["afatinib", "zebularine", "CRISPR-KO_BRAF", "CRISPR-KO_MDM2"]);
    let readouts: Vec<&str> = dataset.readouts.iter().map(|readout| readout.0.as_str()).collect();
    assert_eq!(readouts, ["A", "B"]);
    assert_eq!(dataset.report.readouts_left_out.len(), 2);
    let keys = dataset.profiles.keys();
    assert!(keys.is_sorted() && keys[0].context == 1 && keys[2].context == 0);
    assert_eq!(dataset.profiles.row(0), [2.0, 5.0]);
    assert_eq!(dataset.inputs.len(), 2);
}

#[test]
fn names_that_mean_one_compound_are_merged_and_reported() {
    let compounds = "name,synonyms,inchi\nvenetoclax,ABT-199|Venclexta,AAAAAAAAAAAAAA-B-N\n\
                     one,,CCCCCCCCCCCCCC-D-N\ntwo,,CCCCCCCCCCCCCC-D-N\n\
                     left,,EEEEEEEEEEEEEE-F-N\nright,left,EEEEEEEEEEEEEE-G-N\n\
                     mek,axd,HHHHHHHHHHHHHH-F-N\naxd,,JJJJJJJJJJJJJJ-G-N\n\
                     x,shared,\ny,shared,\n";
    let lab = Lab::new("duplicates = \"mean\"")
        .assay(
            "drugs",
            "compound",
            "line,Venetoclax,ABT199,one,two,left,mek,AXD,x,y,shared\n\
             A,1,3,1,1,1,1,1,1,1,1\nB,2,6,2,4,3,4,5,6,7,8\n",
        )
        .annotation("compound", compounds);
    let dataset = lab.dataset();
    assert_eq!(symbols(&dataset), ["axd", "left", "mek", "one", "shared", "venetoclax", "x", "y"]);
    assert_eq!(dataset.profiles.row(5), [2.0, 4.0], "the mean of raw values");
    assert_eq!(
        annotation(&dataset, "venetoclax").synonyms,
        ["ABT-199", "Venclexta", "ABT199", "Venetoclax"]
    );
    assert!(annotation(&dataset, "mek").synonyms.is_empty(), "another agent's name misleads");
    assert!(merged(&dataset).contains(&("ABT199", "venetoclax", MergeReason::Alias)));
    assert!(merged(&dataset).contains(&("two", "one", MergeReason::EqualInchiKey)));
    let pairs = &dataset.report.suggestions;
    let reason = |a: &str, b: &str| {
        let found = pairs.iter().find(|s| [&s.first, &s.second].map(String::as_str) == [a, b]);
        found.map(|s| s.reason.to_string())
    };
    assert_eq!(reason("axd", "mek").unwrap(), "a shared name, but different InChIKeys");
    assert_eq!(reason("shared", "x").unwrap(), "an ambiguous alias");
}

#[test]
fn equal_first_blocks_of_inchi_keys_only_suggest() {
    let lab = Lab::new("")
        .assay("drugs", "compound", "line,doxorubicin,epirubicin\nA,1,3\nB,2,6\n")
        .annotation(
            "compound",
            "name,synonyms,inchi\ndoxorubicin,,AOJJ-A-N\nepirubicin,,AOJJ-B-N\n",
        );
    let dataset = lab.dataset();
    assert_eq!(dataset.perturbations.len(), 2);
    assert_eq!(dataset.report.suggestions[0].reason.to_string(), "equal first InChIKey block");
}

#[test]
fn colliding_profiles_follow_the_recipe() {
    let lab = Lab::new("").assay("drugs", "compound", "line,ABT-737,ABT737\nA,1,3\nB,2,8\n");
    let message = lab.refusal();
    assert!(message.contains("`ABT-737`, `ABT737`") && message.contains("duplicates"), "{message}");
    let repeated = Lab::new("").assay("ko", "crispr-knockout", "line,BRAF,BRAF\nA,1,3\nB,2,8\n");
    assert!(repeated.refusal().contains("`CRISPR-KO_BRAF` has 2 profiles"));
    let mean = Lab::new("readouts = \"all\"\nduplicates = \"mean\"");
    let mean = mean.assay("ko", "crispr-knockout", "line,BRAF,BRAF\nA,1,3\nB,2,8\n").dataset();
    let report = mean.report.to_string();
    assert!(
        report.contains("1 kept (1 averaged with others of the same perturbation)"),
        "{report}"
    );
}

#[test]
fn retired_gene_symbols_become_approved_and_stay_findable() {
    let lab = Lab::new("")
        .assay("ko", "crispr-knockout", "line,PARK2,BRAF (673),NOVEL\nA,1,3,4\nB,2,8,7\n")
        .annotation("gene", "name,synonyms\nPRKN,PARK2|PDJ\nBRAF,\n");
    let dataset = lab.dataset();
    assert_eq!(symbols(&dataset), ["CRISPR-KO_BRAF", "CRISPR-KO_NOVEL", "CRISPR-KO_PRKN"]);
    assert_eq!(merged(&dataset), [("PARK2", "PRKN", MergeReason::RetiredSymbol)]);
    assert_eq!(annotation(&dataset, "PRKN").synonyms, ["PARK2", "PDJ"]);
    assert_eq!(dataset.report.unresolved[0].place.name, "NOVEL");
}

#[test]
fn dates_among_genes_are_refused() {
    let lab = Lab::new("").assay("ko", "crispr-knockout", "line,1-Mar\nA,1\nB,2\n");
    let message = lab.refusal();
    assert!(message.contains("`1-Mar`") && message.contains("MARCHF1"), "{message}");
}

#[test]
fn members_of_a_combination_are_resolved_and_sorted() {
    let lab = Lab::new("")
        .assay("drugs", "compound", "line,trametinib+GSK2118436,Dabrafenib\nA,1,3\nB,2,8\n")
        .annotation("compound", "name,synonyms,inchi\ndabrafenib,GSK2118436,\n");
    let dataset = lab.dataset();
    assert_eq!(symbols(&dataset), ["dabrafenib", "dabrafenib+trametinib"]);
    assert_eq!(dataset.perturbations[1].member_symbols(), ["dabrafenib", "trametinib"]);
}

#[test]
fn constant_and_empty_profiles_are_dropped_and_reported() {
    let lab = Lab::new("normalisation = [\"median-centre\", \"unit-spread\"]\nmin_values = 2")
        .assay("ko", "crispr-knockout", "line,A1,B1,C1,D1\nx,1,5,NA,1\ny,2,5,,\nz,4,5,-666,\n");
    let dataset = lab.dataset();
    assert_eq!(symbols(&dataset), ["CRISPR-KO_A1"]);
    let reasons: Vec<&str> = dataset.report.dropped.iter().map(|d| d.reason.as_str()).collect();
    assert_eq!(reasons, ["constant", "no value at the kept readouts", "fewer than 2 values"]);
    assert!(dataset.report.to_string().contains("ko: 1 left out (constant): CRISPR-KO_B1"));
    let empty = Lab::new("min_values = 9").assay("ko", "crispr-knockout", "line,A1\nx,1\ny,2\n");
    assert!(empty.refusal().contains("`min_values`"));
}

#[test]
fn a_profile_that_centring_makes_constant_never_becomes_nan() {
    let lab = Lab::new("normalisation = [\"remove-readout-mean\", \"unit-spread\"]").assay(
        "one",
        "compound",
        "line,alone\nx,1\ny,2\n",
    );
    assert!(lab.refusal().contains("`one`"));
}

#[test]
fn screens_without_common_readouts_are_refused() {
    let lab = Lab::new("").assay("ko", "crispr-knockout", "line,BRAF\nA,1\nB,2\n").assay(
        "drugs",
        "compound",
        "line,afatinib\nC,1\nD,2\n",
    );
    assert!(lab.refusal().contains("readouts = \"all\""));
}

#[test]
fn screens_in_which_nothing_was_measured_say_so_whichever_readouts_are_kept() {
    for head in ["readouts = \"all\"", ""] {
        let lab = Lab::new(head).assay("one", "compound", "line,x,y\na,,NA\nb,,\n");
        let refusal = lab.assay("two", "crispr-knockout", "line,BRAF\na,\nb,\n").refusal();
        assert!(refusal.contains("no profile has a value at any readout"), "{refusal}");
    }
}

#[test]
fn a_matrix_that_lies_the_other_way_round_is_named() {
    let lab = Lab::new("").assay("ko", "crispr-knockout", "line,BRAF\nA,1\nB,2\n").assay(
        "drugs",
        "compound",
        "drug,A,B\nafatinib,1,2\nerlotinib,2,1\n",
    );
    let refusal = lab.refusal();
    assert!(refusal.contains("perturbations of `drugs` look like readouts"), "{refusal}");
    assert!(refusal.contains("check its `layout`"), "{refusal}");
}

#[test]
fn recipes_name_the_line_and_the_key_they_cannot_read() {
    for (text, part) in [
        ("normalization = []", "unknown field `normalization`"),
        ("normalisation = [\"z-score\"]", "unknown variant `z-score`"),
        ("min_values = \"ten\"", "line 4"),
        ("", "no `[[assay]]`"),
    ] {
        let message =
            Recipe::parse(&format!("{HEAD}{text}"), "r.toml".as_ref()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("r.toml"), "{message}");
    }
    let long = Lab::new("").assay_with("a", "compound", "p,r,v\n", "layout = \"long\"");
    assert!(long.refusal().contains("`columns`"));
}

#[test]
fn every_recipe_of_the_repository_survives_being_written() {
    for name in [
        "cancer-viability.toml",
        "cancer-viability-public.toml",
        "cancer-viability-sirna.toml",
        "l1000.toml",
        "l1000-knockdown.toml",
        "demo/recipe.toml",
    ] {
        let recipe = Recipe::read(repository().join("data").join(name)).unwrap();
        let mut again = Recipe::parse(&recipe.to_toml().unwrap(), &recipe.path).unwrap();
        assert_eq!(again, recipe, "{name}");
        again = serde_json::from_str(&serde_json::to_string(&recipe).unwrap()).unwrap();
        again.path.clone_from(&recipe.path);
        assert_eq!(again, recipe, "{name} as JSON");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn orientation_does_not_matter(values in prop::collection::vec(-100_i32..100, 20)) {
        let cell = |readout: usize, gene: usize| match values[readout * 4 + gene] {
            -100..-90 => String::new(),
            value => value.to_string(),
        };
        let mut upright = "line,G0,G1,G2,G3\n".to_owned();
        let mut turned = "gene,L0,L1,L2,L3,L4\n".to_owned();
        for readout in 0..5 {
            let row: Vec<String> = (0..4).map(|gene| cell(readout, gene)).collect();
            upright += &format!("L{readout},{}\n", row.join(","));
        }
        for gene in 0..4 {
            let row: Vec<String> = (0..5).map(|readout| cell(readout, gene)).collect();
            turned += &format!("G{gene},{}\n", row.join(","));
        }
        let head = "readouts = \"all\"\nnormalisation = [\"median-centre\", \"unit-spread\"]";
        let options = DatasetOptions::default();
        let upright = Lab::new(head).assay("ko", "sirna", &upright).read(&options);
        let keys = "layout = \"wide-perturbation-rows\"";
        let turned = Lab::new(head).assay_with("ko", "sirna", &turned, keys).read(&options);
        match (upright, turned) {
            (Ok(upright), Ok(turned)) => {
                prop_assert_eq!(bits(&upright), bits(&turned));
                prop_assert_eq!(symbols(&upright), symbols(&turned));
            }
            (upright, turned) => prop_assert_eq!(upright.is_err(), turned.is_err()),
        }
    }
}

#[test]
fn a_part_of_a_dataset_keeps_its_profiles_and_forgets_perturbations_that_have_none() {
    let lab = Lab::new("")
        .assay("A", "compound", "line,x,y,z\nl1,1,2,3\nl2,4,,6\nl3,7,8,9\n")
        .assay("B", "compound", "line,y,z\nl1,10,20\nl2,30,40\nl3,50,60\n");
    let whole = lab.dataset();
    let key_of = |name: &str| whole.perturbations.iter().position(|p| p.symbol() == name).unwrap();
    let (x, b) = (key_of("x") as u32, 1);
    let hidden = Split::Entries { share: 0.5, seed: 3 };
    let part = whole.restrict(|key| key.perturbation != x && key.context == b, &hidden).unwrap();
    let names: Vec<String> = part.perturbations.iter().map(|p| p.symbol()).collect();
    assert_eq!(names, ["y", "z"]);
    assert_eq!((part.contexts.len(), part.readouts.len()), (2, 3));
    assert_eq!(part.annotations.len(), 2);
    let mut n_hidden = 0;
    for (at, key) in part.profiles.keys().iter().enumerate() {
        let symbol = part.perturbations[key.perturbation as usize].symbol();
        let same = |other: &ProfileKey| {
            other.context == key.context
                && whole.perturbations[other.perturbation as usize].symbol() == symbol
        };
        let before = whole.profiles.keys().iter().position(same).unwrap();
        for (readout, value) in part.profiles.row(at).iter().enumerate() {
            let is_hidden = hidden.holds_out(before, readout);
            n_hidden += usize::from(is_hidden);
            let original = whole.profiles.row(before)[readout];
            assert!(if is_hidden { value.is_nan() } else { value.to_bits() == original.to_bits() });
        }
    }
    assert!((1..6).contains(&n_hidden), "{n_hidden}");
    let none = whole.restrict(|_| false, &Split::None).unwrap_err().to_string();
    assert!(none.contains("no profile is left"), "{none}");
}
