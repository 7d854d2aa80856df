use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use phenocopy::dataset::{Dataset, DatasetOptions, HeldOutCells, Recipe, SampleSplit, Split};
use phenocopy::embedding::ResponsePredictor;
use phenocopy::evaluate::causal::{Edge, Responses, baseline_edges, strongest_edges};
use phenocopy::evaluate::{Bootstrap, CausalReport, CausalTask, Estimate, evaluate_causal};
use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
use phenocopy::table::{H5adLayout, H5adWriter, Value, ValueType};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson};
use tempfile::TempDir;

/// Six mechanisms: knocking down any of four genes changes five others, which change nothing.
const MODULES: usize = 6;
const SOURCES: usize = 4;
const TARGETS: usize = 5;
const N_EDGES: usize = MODULES * SOURCES * TARGETS;
const N_GENES: usize = MODULES * (SOURCES + TARGETS);
/// Genes that nobody perturbs: they keep the depth of a cell.
const N_OTHERS: usize = 50;
const LINES: [&str; 2] = ["K562", "RPE1"];
const CELLS: usize = 60;
const CONTROLS: usize = 250;
const MEAN_COUNT: f64 = 6.0;
const SPLIT: SampleSplit = SampleSplit { share: 0.2, seed: 17 };

/// A screen of single cells, as a file and a recipe.
struct Screen {
    folder: TempDir,
    recipe: Recipe,
}

/// Sources come first in each module; `M` sorts before `O`.
fn gene(at: usize) -> String {
    match at < N_GENES {
        true => format!("M{at:02}"),
        false => format!("OTHER{at:02}"),
    }
}

fn true_edges() -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for first in (0..N_GENES).step_by(SOURCES + TARGETS) {
        for source in first..first + SOURCES {
            let targets = first + SOURCES..first + SOURCES + TARGETS;
            edges.extend(targets.map(|target| (gene(source), gene(target))));
        }
    }
    edges
}

/// By what knocking down `source` multiplies the expression of `target`.
fn effect(source: usize, target: usize, has_graph: bool) -> f64 {
    let module = SOURCES + TARGETS;
    let is_edge = source / module == target / module
        && source % module < SOURCES
        && target % module >= SOURCES
        && target < N_GENES;
    match (source == target, is_edge && has_graph, target % 2) {
        (true, ..) => 0.2,
        (_, true, 0) => 0.35,
        (_, true, _) => 2.2,
        _ => 1.0,
    }
}

impl Screen {
    /// Draws the counts; each is then multiplied by what `alters` says of its cell and gene.
    fn new(has_graph: bool, alters: impl Fn(usize, usize) -> f32) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut cells: Vec<(&str, Option<usize>)> = Vec::new();
        for line in LINES {
            cells.extend((0..CONTROLS).map(|_| (line, None)));
            let perturbed = (0..N_GENES).flat_map(|at| (0..CELLS).map(move |_| (line, Some(at))));
            cells.extend(perturbed);
        }
        let names: Vec<String> = (0..N_GENES + N_OTHERS).map(gene).collect();
        let variables: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let columns =
            [("cell", ValueType::Text), ("gene", ValueType::Text), ("line", ValueType::Text)];
        let layout = H5adLayout {
            n_rows: cells.len(),
            columns: &columns,
            variables: &variables,
            embedding: ("X_none", 1),
            facts: &[],
        };
        let mut file = H5adWriter::create(&folder.path().join("cells.h5ad"), &layout).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for (row, (line, source)) in cells.into_iter().enumerate() {
            let depth = random.random_range(0.7..1.3);
            let mut draw = |target: usize| {
                let effect = source.map_or(1.0, |source| effect(source, target, has_graph));
                let count = Poisson::new(MEAN_COUNT * depth * effect).unwrap().sample(&mut random);
                count as f32 * alters(row, target)
            };
            let counts: Vec<f32> = (0..names.len()).map(&mut draw).collect();
            let name = source.map_or("non-targeting".to_owned(), gene);
            let cell = [format!("cell{row}"), name, line.to_owned()].map(Value::Text);
            file.push(&cell, &counts, &[0.0]).unwrap();
        }
        file.finish().unwrap();
        let recipe = "name = \"known-graph\"\nreadout = \"gene\"\nreadouts = \"all\"\n[[assay]]\n\
            file = \"cells.h5ad\"\nlayout = \"h5ad\"\ntype = \"crispr-knockout\"\ncontext = \"{line}\"\n\
            [assay.samples]\nperturbation = \"{gene}\"\ncontrols = [\"non-targeting\"]\n\
            values = \"counts\"\ncollapse = \"mean\"\n";
        let path = folder.path().join("recipe.toml");
        fs::write(&path, recipe).unwrap();
        Self { recipe: Recipe::read(&path).unwrap(), folder }
    }

    fn read(&self) -> (Dataset, Vec<HeldOutCells>) {
        let options = DatasetOptions { held_out_cells: Some(SPLIT), ..DatasetOptions::default() };
        Dataset::with_held_out_cells(&self.recipe, self.folder.path(), &options).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }
}

fn train(dataset: &Dataset) -> Ensemble {
    let options = TrainingOptions::default();
    Ensemble::train(dataset, &LpmConfig::default(), &[13], &options).unwrap().0
}

/// The edges of every method, `phenocopy` last.
fn ranked(
    dataset: &Dataset,
    task: &CausalTask<'_>,
    ensemble: &Ensemble,
) -> Vec<(String, Vec<Edge>)> {
    let predictor =
        ResponsePredictor::from_ensemble(dataset, &Split::None, ensemble).unwrap().unwrap();
    let predict = |profile: usize, row: &mut [f32]| {
        let key = dataset.profiles.keys()[profile];
        row.copy_from_slice(&predictor.predict(key.perturbation, key.context).unwrap().values);
    };
    let mut methods = baseline_edges(dataset, task, N_EDGES);
    methods.push(("phenocopy".into(), Responses::new(dataset, task, predict).edges(N_EDGES)));
    methods
}

/// How many of a method's edges are in the graph.
fn n_true(task: &CausalTask<'_>, edges: &[Edge]) -> usize {
    let symbols: Vec<&str> = task.genes().map(|gene| gene.symbol.as_str()).collect();
    let name = |at: u32| symbols[at as usize].to_owned();
    let known = true_edges();
    edges.iter().filter(|(a, b)| known.contains(&(name(*a), name(*b)))).count()
}

fn figures<'a>(report: &'a CausalReport, method: &str) -> &'a [Estimate; 3] {
    &report.methods.iter().find(|of| of.name == method).unwrap().metrics
}

fn difference<'a>(report: &'a CausalReport, baseline: &str) -> &'a [Estimate; 3] {
    &report.differences.iter().find(|of| of.baseline == baseline).unwrap().metrics
}

#[test]
fn a_known_graph_is_found_and_held_out_cells_confirm_it() {
    let screen = Screen::new(true, |_, _| 1.0);
    let (dataset, cells) = screen.read();
    let ensemble = train(&dataset);
    assert_eq!(cells.len(), LINES.len());
    for (context, cells) in (0..).zip(&cells) {
        assert_eq!(cells.context(), context);
        let task = CausalTask::new(&dataset, cells, 5).unwrap();
        assert_eq!((task.n_genes(), task.n_pairs()), (N_GENES, N_GENES * (N_GENES - 1)));
        let methods = ranked(&dataset, &task, &ensemble);
        let found = |name: &str| {
            let (_, edges) = methods.iter().find(|(of, _)| of == name).unwrap();
            n_true(&task, edges)
        };
        // By chance 120 · 120 / 2,862 = 5.
        assert!(found("measured") > 100, "{}", found("measured"));
        assert!(found("phenocopy") > 100, "{}", found("phenocopy"));
        assert!(found("readout mean") < 40 && found("correlation") < 40);
        let report = evaluate_causal(&task, &methods, N_EDGES, &Bootstrap::default()).unwrap();
        for method in ["measured", "phenocopy"] {
            let ([wasserstein, omission, significant], random) =
                (figures(&report, method), figures(&report, "random"));
            assert!(wasserstein.lower > 2.0 * random[0].value, "{method}: {report:?}");
            assert!(omission.value < 0.8 * random[1].value, "{method}: {report:?}");
            assert!(significant.lower > 0.6, "{method}: {report:?}");
        }
        let [wasserstein, omission, _] = difference(&report, "random");
        assert!(wasserstein.lower > 0.0 && omission.upper < 0.0, "{report:?}");
        assert!(figures(&report, "random")[1].value > 0.05, "{report:?}");
    }
}

#[test]
fn without_a_graph_the_model_is_not_above_chance() {
    let screen = Screen::new(false, |_, _| 1.0);
    let (dataset, cells) = screen.read();
    let ensemble = train(&dataset);
    let task = CausalTask::new(&dataset, &cells[0], 5).unwrap();
    let methods = ranked(&dataset, &task, &ensemble);
    let report = evaluate_causal(&task, &methods, N_EDGES, &Bootstrap::default()).unwrap();
    for of in difference(&report, "random") {
        assert!(of.lower <= 0.0 && 0.0 <= of.upper, "{report:?}");
    }
    // The test keeps its level, but for the few cells that self knock-downs leave in other proportions.
    let omission = figures(&report, "random")[1].value;
    assert!((0.03..0.07).contains(&omission), "{report:?}");
}

#[test]
fn held_out_cells_have_no_influence_on_what_is_learnt() {
    let as_drawn = Screen::new(true, |_, _| 1.0);
    let altered = Screen::new(true, |row, gene| match SPLIT.holds_out(row) {
        true => (1 + (row + gene) % 7) as f32,
        false => 1.0,
    });
    let edges = |screen: &Screen| {
        let (dataset, cells) = screen.read();
        let ensemble = train(&dataset);
        let task = CausalTask::new(&dataset, &cells[0], 5).unwrap();
        let values: Vec<Vec<u32>> = (0..dataset.profiles.n_profiles())
            .map(|at| dataset.profiles.row(at).into_iter().map(f32::to_bits).collect())
            .collect();
        ((values, ranked(&dataset, &task, &ensemble)), task.outcome((0, 1)))
    };
    let (drawn, altered) = (edges(&as_drawn), edges(&altered));
    assert_eq!(drawn.0, altered.0);
    assert_ne!(drawn.1, altered.1, "what judges has changed");
    // What is held out is left out: whoever reads all cells reads other profiles.
    let (dataset, _) = as_drawn.read();
    let options = DatasetOptions::default();
    let all = Dataset::from_recipe(&as_drawn.recipe, as_drawn.folder.path(), &options).unwrap();
    assert_ne!(dataset.profiles.row(0), all.profiles.row(0));
}

#[test]
fn held_out_cells_are_the_share_asked_for_and_scaled_as_scanpy_does() {
    let screen = Screen::new(true, |_, _| 1.0);
    let (dataset, cells) = screen.read();
    let n_held = (0..CONTROLS).filter(|row| SPLIT.holds_out(*row)).count();
    assert_eq!(cells[0].controls().n_cells(), n_held);
    let n_perturbed: usize =
        cells.iter().flat_map(|cells| cells.perturbed()).map(|of| of.n_cells()).sum();
    let share = n_perturbed as f64 / (LINES.len() * N_GENES * CELLS) as f64;
    assert!((0.18..0.22).contains(&share), "{share}");
    // A cell has some 624 counts: one of them is ln(1 + 16), and the mean of six ln(1 + 96).
    let controls = cells[0].controls().expression(0);
    assert_eq!(controls.len(), n_held);
    let mean = controls.nonzero.iter().sum::<f32>() / controls.len() as f32;
    assert!((4.2..4.8).contains(&mean), "{mean}");
    let report = dataset.report.to_string();
    assert!(!report.contains("samples are not in"), "held-out cells are not lost ones: {report}");
}

#[test]
fn what_cannot_be_evaluated_is_refused_with_a_reason() {
    let screen = Screen::new(true, |_, _| 1.0);
    let read = |split: Option<SampleSplit>| {
        let options = DatasetOptions { held_out_cells: split, ..DatasetOptions::default() };
        let read = Dataset::with_held_out_cells(&screen.recipe, screen.folder.path(), &options);
        read.map(|_| ()).unwrap_err().to_string()
    };
    assert!(read(Some(SampleSplit { share: 1.0, seed: 1 })).contains("above 0 and below 1"));
    assert!(read(None).contains("no assay has cells to hold out"));
    let (dataset, cells) = screen.read();
    let few = CausalTask::new(&dataset, &cells[0], 1_000).unwrap_err().to_string();
    assert!(few.contains("0 genes") && few.contains("1000 held-out cells"), "{few}");
    let task = CausalTask::new(&dataset, &cells[0], 5).unwrap();
    let evaluate = |edges: Vec<Edge>, n| {
        let methods = [("mine".to_owned(), edges)];
        evaluate_causal(&task, &methods, n, &Bootstrap::default())
    };
    for wrong in [(0, 0), (0, N_GENES as u32), (N_GENES as u32, 0)] {
        let message = evaluate(vec![wrong], 1).unwrap_err().to_string();
        assert!(message.contains("is no edge of two of 54 genes"), "{message}");
    }
    assert!(evaluate(vec![], 0).unwrap_err().to_string().contains("at least 1"));
    // Nothing is left out of all pairs, so that there is no share of it.
    let all = strongest_edges(N_GENES, usize::MAX, |_, _| 1.0);
    let report = evaluate(all, usize::MAX).unwrap();
    let [wasserstein, omission, _] = figures(&report, "mine");
    assert!(omission.value.is_nan());
    assert!((wasserstein.value - figures(&report, "random")[0].value).abs() < 1e-9);
}

/// What the command prints of a method in the first table, by column.
#[cfg(feature = "cli")]
fn cell(report: &str, table: &str, method: &str, column: &str) -> f64 {
    let mut header = Vec::new();
    for line in report.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        match cells[0] {
            "table" => header = cells,
            title if title.starts_with(table) && cells[1] == method => {
                let at = header.iter().position(|name| *name == column).unwrap();
                return cells[at].parse().unwrap();
            }
            _ => {}
        }
    }
    panic!("no `{method}` in `{table}`: {report}");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_judges_the_model_its_baselines_and_a_network_of_ones_own() {
    use crate::cli::{run, text};
    let screen = Screen::new(true, |_, _| 1.0);
    let write = |name: &str, rows: Vec<String>| {
        let path = screen.path(name);
        fs::write(&path, format!("source,target,score\n{}\n", rows.join("\n"))).unwrap();
        path
    };
    let truth: Vec<String> = true_edges().iter().map(|(a, b)| format!("{a},{b},-2")).collect();
    let wrong = (0..N_EDGES).map(|at| format!("M{:02},M{:02},1", at % 50, at % 50 + 1)).collect();
    let lost = ["OTHER99,M01,9".to_owned(), "M01,M01,3".to_owned()];
    let (truth, wrong) =
        (write("truth.csv", [&truth[..], &lost].concat()), write("wrong.csv", wrong));
    let recipe = screen.path("recipe.toml");
    let arguments = [
        "evaluate",
        "causal",
        text(&recipe),
        "--network",
        text(&truth),
        "--network",
        text(&wrong),
        "--edges",
        "120,60",
        "--seeds",
        "13",
        "--min-cells",
        "5",
        "--format",
        "tsv",
    ];
    let outcome = run(&arguments);
    let said = outcome.stderr.clone();
    let report = outcome.success();
    assert!(said.contains("K562: 120 of the 122 edges of `truth` join two of its genes"), "{said}");
    assert!(said.contains("held-out cells take") && said.contains("training 1 models"), "{said}");
    let of = |method: &str, column: &str| {
        cell(&report, "120 edges on held-out cells: K562", method, column)
    };
    let (distance, omission) = ("mean Wasserstein", "false omission rate");
    for method in ["truth", "phenocopy", "measured"] {
        assert!(of(method, distance) > 2.0 * of("random", distance), "{method}: {report}");
        assert!(of(method, omission) < of("random", omission), "{method}: {report}");
    }
    assert!((of("truth", "edges") - 120.0).abs() < 0.5);
    assert!(of("wrong", "edges") < 60.0, "an edge counts once");
    assert!(of("truth", omission) < 0.07 && of("wrong", distance) < of("truth", distance));
    let lower = cell(
        &report,
        "paired differences of 120 edges: K562",
        "phenocopy - random",
        "mean Wasserstein_lower",
    );
    assert!(lower > 0.0, "{report}");
    let mean =
        cell(&report, "120 edges on held-out cells: mean over 2 contexts", "phenocopy", distance);
    let other = cell(&report, "120 edges on held-out cells: RPE1", "phenocopy", distance);
    assert!((mean - (of("phenocopy", distance) + other) / 2.0).abs() < 1e-5, "{report}");
    assert!(report.contains("60 edges on held-out cells: RPE1\tphenocopy\t60\t"), "{report}");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_refuses_screens_without_cells_and_tables_without_edges() {
    use crate::cli::{run, text};
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo/recipe.toml");
    let message = run(&["evaluate", "causal", demo]).failure();
    assert!(message.contains("no assay has cells to hold out"), "{message}");
    let home = tempfile::tempdir().unwrap();
    let table = |content: &str| {
        let path = home.path().join("edges.tsv");
        fs::write(&path, content).unwrap();
        let path: &Path = &path;
        run(&["evaluate", "causal", demo, "--network", text(path)]).failure()
    };
    for (content, expected) in [
        ("gene1\tgene2\nA\tB\n", "expected a column `source`"),
        ("source\ttarget\n", "at least one edge"),
        ("TF\ttarget\timportance\nA\tB\thigh\n", "line 2"),
    ] {
        let message = table(content);
        assert!(message.contains(expected), "{content}: {message}");
    }
}
