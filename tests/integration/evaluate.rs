use std::path::{Path, PathBuf};
use std::time::Instant;

use phenocopy::dataset::{Dataset, DatasetOptions, ProfileKey, Profiles, Recipe, Split};
use phenocopy::evaluate::network::GenesOfOneAssay;
use phenocopy::evaluate::prediction::{
    PredictionBaselines, SoftImpute, SoftImputeConfig, entry_split, noise_ceilings, profile_split,
};
use phenocopy::evaluate::retrieval::{CURVE_HITS, METRICS, QueryGroup, Role, UnitVectors};
use phenocopy::evaluate::{
    Bootstrap, Grouping, Half, PredictionConfig, PredictionReport, QueryGroups,
    RetrievalEvaluation, RetrievalTask, evaluate_prediction,
};
use phenocopy::experiment::{Context, Moa, Perturbation, PerturbationType, Readout};
use phenocopy::report::{
    MetricFormat, Source, grouped_retrieval_tables, noise_ceiling_table, prediction_table,
    retrieval_difference_table, retrieval_plot, retrieval_table,
};
use phenocopy::table::{Label, read_labels};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const COMPOUND: PerturbationType = PerturbationType::Compound;
const KNOCKOUT: PerturbationType = PerturbationType::CrisprKnockout;

/// A dataset of agents measured in contexts: (type, agent, context, values).
fn dataset(n_contexts: u32, profiles: &[(PerturbationType, &str, u32, Vec<f32>)]) -> Dataset {
    let mut perturbations: Vec<Perturbation> =
        profiles.iter().map(|(kind, agent, _, _)| Perturbation::new(*kind, *agent)).collect();
    perturbations.sort_by_key(|p| (p.side(), p.symbol()));
    perturbations.dedup();
    let position = |kind, agent: &str| {
        let wanted = Perturbation::new(kind, agent);
        perturbations.iter().position(|p| *p == wanted).unwrap() as u32
    };
    let mut rows: Vec<(ProfileKey, Vec<f32>)> = profiles
        .iter()
        .map(|(kind, agent, context, values)| {
            let key = ProfileKey { perturbation: position(*kind, agent), context: *context };
            (key, values.clone())
        })
        .collect();
    rows.sort_by_key(|(key, _)| *key);
    let n_readouts = rows[0].1.len();
    let keys = rows.iter().map(|(key, _)| *key).collect();
    let fill = |profile: usize, row: &mut [f32]| {
        row.copy_from_slice(&rows[profile].1);
        Ok(())
    };
    Dataset::from_profiles(
        "toy",
        perturbations,
        (0..n_contexts).map(|i| Context(format!("assay-{i}"))).collect(),
        (0..n_readouts).map(|i| Readout(format!("line-{i}"))).collect(),
        Profiles::collect(keys, n_readouts, Default::default(), fill).unwrap(),
    )
    .unwrap()
}

fn label(compound: &str, gene: &str) -> Label {
    Label { compound: compound.into(), gene: gene.into(), source: String::new() }
}

fn noise(n: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Six genes and three compounds, each a noisy copy of the gene it hits.
fn planted() -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let genes: Vec<Vec<f32>> = (0..6).map(|_| noise(40, &mut rng)).collect();
    let names = ["BCL2", "BRAF", "EGFR", "MDM2", "MET", "MTOR"];
    let mut profiles: Vec<(PerturbationType, &str, u32, Vec<f32>)> =
        names.iter().zip(&genes).map(|(name, gene)| (KNOCKOUT, *name, 1, gene.clone())).collect();
    for (compound, gene) in [("ABT-199", 0), ("dabrafenib", 1), ("nutlin-3a", 3)] {
        let copy = genes[gene].iter().map(|value| value + 0.2 * rng.random_range(-1.0..1.0_f32));
        profiles.push((COMPOUND, compound, 0, copy.collect()));
    }
    dataset(2, &profiles)
}

#[test]
fn compounds_are_found_by_key_and_synonym_and_the_unknown_are_counted() {
    let mut data = planted();
    data.annotations[0].name = "venetoclax".into();
    data.annotations[1].synonyms = vec!["GSK2118436".into(), "shared".into()];
    data.annotations[2].synonyms = vec!["shared".into(), "ABT 199".into()];
    let labels = [
        label("abt199", "BCL2"),
        label("VENETOCLAX", "MCL1"),
        label("gsk-2118436", "BRAF"),
        label("shared", "MET"),
        label("aspirin", "PTGS2"),
    ];
    let task = RetrievalTask::from_dataset(&data, &labels, KNOCKOUT).unwrap();
    let found: Vec<(u32, &[u32])> =
        task.queries().iter().map(|query| (query.row, query.targets.as_slice())).collect();
    assert_eq!(found, [(0, &[0][..]), (1, &[1][..])]);
    assert_eq!((task.unknown_compounds().len(), task.unknown_genes().len()), (2, 1));
    assert_eq!(task.panel(), [3, 4, 5, 6, 7, 8]);
}

#[test]
fn labels_that_the_data_do_not_hold_are_an_error() {
    let data = planted();
    assert!(RetrievalTask::from_dataset(&data, &[label("aspirin", "PTGS2")], KNOCKOUT).is_err());
    let sirna = PerturbationType::Sirna;
    let error = RetrievalTask::from_dataset(&data, &[label("ABT-199", "BCL2")], sirna).unwrap_err();
    assert!(error.to_string().contains("siRNA"), "{error}");
}

#[test]
fn planted_targets_rank_first_and_differences_are_paired() {
    let data = planted();
    let labels = [label("ABT-199", "BCL2"), label("dabrafenib", "BRAF"), label("nutlin3a", "MDM2")];
    let task = RetrievalTask::from_dataset(&data, &labels, KNOCKOUT).unwrap();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&data, KNOCKOUT).unwrap();
    let mut vectors = vec![0.0_f32; 9 * 3];
    for (row, gene) in [(0, 3), (1, 4), (2, 6)] {
        vectors[row * 3 + row] = 1.0;
        vectors[gene * 3 + row] = 1.0;
    }
    let source = UnitVectors::new(&vectors, 3).unwrap();
    evaluation.add("planted", Role::Candidate, &source).unwrap();
    let report = evaluation.report(Half::All, &Bootstrap::default()).unwrap();
    assert_eq!((report.n_queries, report.n_panel, report.n_clusters), (3, 6, 3));
    for method in &report.methods[1..] {
        assert!(method.metrics[0].value > 0.999, "{} misses hit@1", method.name);
    }
    let against_random = &report.differences[0];
    assert!((against_random.metrics[0].value - 5.0 / 6.0).abs() < 1e-12);
    let against_correlation = report.differences[1].metrics[4];
    assert!(against_correlation.lower.abs() + against_correlation.upper.abs() < 1e-12);
    let table = retrieval_table(&report);
    assert_eq!(table.rows.len(), 5);
    assert!(table.value("planted", "hit@1").is_some_and(|value| value.interval.is_some()));
    let differences = retrieval_difference_table(&report).render(MetricFormat::Tsv);
    assert!(differences.contains("\tplanted - whitened-correlation\t"), "{differences}");
}

#[test]
fn the_even_and_odd_halves_share_no_query() {
    let data = planted();
    let labels = [
        label("ABT-199", "BCL2"),
        label("dabrafenib", "BRAF"),
        label("dabrafenib", "EGFR"),
        label("nutlin3a", "MDM2"),
    ];
    let task = RetrievalTask::from_dataset(&data, &labels, KNOCKOUT).unwrap();
    let (even, odd) = (task.queries_in(Half::Even), task.queries_in(Half::Odd));
    assert!(even.iter().all(|query| !odd.contains(query)));
    assert_eq!(task.queries_in(Half::All), [0, 1, 2]);
}

/// Six genes and twelve compounds, two for each gene: `a…` measured in the first assay, `b…` in the first two.
/// The `a…` resemble their gene, and are inhibitors; of the `b…` one is annotated, with two mechanisms.
fn in_two_assays() -> (Dataset, RetrievalTask) {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let genes: Vec<Vec<f32>> = (0..6).map(|_| noise(40, &mut rng)).collect();
    let names: Vec<[String; 3]> =
        (0..6).map(|i| [format!("a{i}"), format!("b{i}"), format!("G{i}")]).collect();
    let mut profiles = Vec::new();
    for ([alike, unlike, gene], values) in names.iter().zip(&genes) {
        let copy = values.iter().map(|value| value + 0.2 * rng.random_range(-1.0..1.0_f32));
        profiles.push((COMPOUND, alike.as_str(), 0, copy.collect()));
        profiles.push((COMPOUND, unlike.as_str(), 0, noise(40, &mut rng)));
        profiles.push((COMPOUND, unlike.as_str(), 1, noise(40, &mut rng)));
        profiles.push((KNOCKOUT, gene.as_str(), 2, values.clone()));
    }
    let mut data = dataset(3, &profiles);
    let inhibitor = Moa("inhibitor".into());
    (0..6).for_each(|row| data.annotations[row].moas = vec![inhibitor.clone(), inhibitor.clone()]);
    data.annotations[6].moas = vec![inhibitor, Moa("agonist".into())];
    let labels: Vec<Label> =
        names.iter().flat_map(|[a, b, gene]| [label(a, gene), label(b, gene)]).collect();
    let task = RetrievalTask::from_dataset(&data, &labels, KNOCKOUT).unwrap();
    (data, task)
}

fn group(name: &str, queries: impl IntoIterator<Item = usize>) -> QueryGroup {
    QueryGroup { name: name.into(), queries: queries.into_iter().collect() }
}

#[test]
fn a_compound_counts_in_each_of_its_assays_and_mechanisms_and_small_groups_are_counted() {
    let (data, task) = in_two_assays();
    let parted = |grouping, half| QueryGroups::new(grouping, &task, &data, half);
    let assays = parted(Grouping::Assay, Half::All);
    // The assay of the genes has no query and is no group.
    assert_eq!(assays.groups, [group("assay-0", 0..12), group("assay-1", 6..12)]);
    assert_eq!((assays.n_small_groups, assays.n_left_out, assays.n_ungrouped), (0, 0, 0));
    let mechanisms = parted(Grouping::Mechanism, Half::All);
    assert_eq!(mechanisms.groups, [group("inhibitor", 0..7)]);
    let left_out = |groups: &QueryGroups| (groups.n_small_groups, groups.n_left_out);
    assert_eq!((left_out(&mechanisms), mechanisms.n_ungrouped), ((1, 5), 5));
    let halves = parted(Grouping::Half, Half::All);
    let sizes: usize = halves.groups.iter().map(|half| half.queries.len()).sum();
    assert_eq!((sizes, halves.groups.len()), (12, 2));
    let even = parted(Grouping::Assay, Half::Even);
    assert_eq!(even.groups[0].queries, task.queries_in(Half::Even));
    let both = parted(Grouping::Half, Half::Even);
    assert_eq!(both.groups, [group("even", task.queries_in(Half::Even))]);
}

#[test]
fn a_group_has_the_figures_of_its_own_queries() {
    let (data, task) = in_two_assays();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&data, KNOCKOUT).unwrap();
    // Every compound at its gene: `a…` are rows 0 to 5, `b…` 6 to 11, genes 12 to 17.
    let vectors: Vec<f32> =
        (0..18 * 6).map(|at| f32::from(u8::from(at / 6 % 6 == at % 6))).collect();
    let planted = UnitVectors::new(&vectors, 6).unwrap();
    evaluation.add("planted", Role::Candidate, &planted).unwrap();
    let report = |grouping| {
        let groups = QueryGroups::new(grouping, &task, &data, Half::All);
        evaluation.report_groups(groups, &Bootstrap::default()).unwrap()
    };
    let (assays, mechanisms) = (report(Grouping::Assay), report(Grouping::Mechanism));
    assert_eq!(
        assays.results[0].report,
        evaluation.report(Half::All, &Bootstrap::default()).unwrap()
    );
    let tables = grouped_retrieval_tables(&assays);
    insta::assert_snapshot!(tables[1].render(MetricFormat::Table), @r"
    MRR by assay (all queries)
    assay   queries genes random correlation   whitened-     planted   planted -
                                             correlation               whitened-
                                                                     correlation
    assay-0      12     6   .408        .667        .686       1.000        .314
                                                         1.000–1.000   .264–.375
    assay-1       6     6   .408        .333        .372       1.000        .628
                                                         1.000–1.000   .528–.750
    ");
    let tables = grouped_retrieval_tables(&mechanisms);
    insta::assert_snapshot!(tables[2].render(MetricFormat::Markdown), @r"
    ### AUROC by mechanism (all queries)

    | mechanism | queries | genes | random | correlation | whitened-correlation | planted | planted - whitened-correlation |
    |---|---:|---:|---:|---:|---:|---:|---:|
    | inhibitor | 7 | 6 | .417 | .762 | .810 | .833 (.833–.833) | .024 (.000–.056) |

    a compound counts in each mechanism that it is annotated with; genes: their labelled targets, ranked among all genes of the panel

    left out: mechanisms of fewer than 5 queries: 1; queries in none of the mechanisms shown: 5 (5 of them in none at all)

    no interval below 5 target genes; of five it covers about 84 % and not 95, of ten 90 %; where all compounds are alike it has no width; of many groups some miss by chance
    ");
    let foreign = QueryGroups { groups: vec![group("none", [99])], ..assays.groups };
    let error = evaluation.report_groups(foreign, &Bootstrap::default()).unwrap_err();
    assert!(error.to_string().contains("beyond the 12 of the task"), "{error}");
}

#[test]
fn groups_of_few_target_genes_have_no_interval() {
    let (data, task) = in_two_assays();
    let of_four = |query: &phenocopy::evaluate::retrieval::RetrievalQuery| query.targets[0] < 4;
    let queries = task.queries().iter().filter(|query| of_four(query)).cloned().collect();
    let task = RetrievalTask::new(task.panel().to_vec(), task.genes().to_vec(), queries).unwrap();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&data, KNOCKOUT).unwrap();
    let groups = QueryGroups::new(Grouping::Assay, &task, &data, Half::All);
    assert_eq!((groups.groups.len(), groups.n_small_groups, groups.n_left_out), (1, 1, 0));
    let report = evaluation.report_groups(groups, &Bootstrap::default()).unwrap();
    assert_eq!((report.results[0].n_genes, report.results[0].has_intervals()), (4, false));
    let tables = grouped_retrieval_tables(&report);
    assert!((0..tables[0].columns.len()).all(|column| !tables[0].has_intervals(column)));
    let notes = tables[2].notes.join("\n");
    assert!(notes.contains("left out: assays of fewer than 5 queries: 1\n"), "{notes}");
}

#[test]
fn rank_curves_end_at_one_and_agree_with_the_metrics() {
    let (data, task) = in_two_assays();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&data, KNOCKOUT).unwrap();
    let report = evaluation.report(Half::All, &Bootstrap::default()).unwrap();
    let curves = evaluation.rank_curves(Half::All, &Bootstrap::default()).unwrap();
    for (curve, method) in curves.iter().zip(&report.methods) {
        assert_eq!((&curve.name, curve.shares.len()), (&method.name, 6));
        assert!(curve.shares.is_sorted() && (curve.shares[5] - 1.0).abs() < 1e-12, "{curve:?}");
        let hit = METRICS.iter().position(|metric| *metric == "hit@1").unwrap();
        assert_eq!((CURVE_HITS[0], curve.hits[0]), (1, method.metrics[hit]), "{}", curve.name);
        // The mean of 1/rank, summed by parts.
        let steps = (1_u32..).zip(&curve.shares).zip(std::iter::once(&0.0).chain(&curve.shares));
        let mrr: f64 = steps.map(|((k, share), before)| (share - before) / f64::from(k)).sum();
        let metric = METRICS.iter().position(|metric| *metric == "MRR").unwrap();
        assert!((mrr - method.metrics[metric].value).abs() < 1e-12, "{}", curve.name);
    }
    let source = Source {
        index: "toy".into(),
        fingerprint: "0".into(),
        command: "x".into(),
        ..Source::default()
    };
    let picture = retrieval_plot(&report, &curves, &source);
    assert!(picture.contains(">Known targets of 12 compounds among 6 genes (all queries): toy<"));
    // Of six genes there are no first ten: an axis of 1 and 6, and points at 1 and 5 for each of four methods.
    assert_eq!(picture.matches("<circle").count(), 4 * (2 + 1), "{picture}");
    assert!(picture.contains(">6</text>") && !picture.contains(">10</text>"), "{picture}");
}

/// `ŷ = p_P + r_R` over two contexts, some values missing.
fn additive_dataset() -> Dataset {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let lines = noise(30, &mut rng);
    let names: Vec<String> = (0..20).map(|i| format!("compound-{i:02}")).collect();
    let mut profiles = Vec::new();
    for name in &names {
        let own = rng.random_range(-2.0..2.0_f32);
        for context in 0..2 {
            let value = |line: &f32| if rng.random_bool(0.2) { f32::NAN } else { own + line };
            profiles.push((COMPOUND, name.as_str(), context, lines.iter().map(value).collect()));
        }
    }
    dataset(2, &profiles)
}

fn rmse(report: &PredictionReport, scope: &str, method: &str) -> f64 {
    let row = report.rows.iter().find(|row| row.scope == scope && row.method == method);
    row.unwrap().scores.rmse
}

#[test]
fn the_additive_baseline_is_exact_on_an_additive_matrix() {
    let data = additive_dataset();
    let config = PredictionConfig::default();
    for split in [entry_split(), profile_split(&data).unwrap()] {
        let report = evaluate_prediction(&data, &split, &[], &config).unwrap();
        assert!(rmse(&report, "all", "additive") < 1e-5);
        assert!(rmse(&report, "all", "readout mean") > 0.5);
        assert!(rmse(&report, "all", "global mean") > rmse(&report, "all", "readout mean"));
    }
}

#[test]
fn profiles_held_out_leave_their_perturbation_another_context() {
    let data = additive_dataset();
    let split = profile_split(&data).unwrap();
    let Split::Profiles(held) = &split else { panic!("profiles are held out") };
    assert_eq!(held.len(), 4);
    assert_eq!(split, profile_split(&data).unwrap());
    for profile in held {
        let own = data.profiles.keys()[*profile as usize].perturbation;
        let left = (0..).zip(data.profiles.keys()).filter(|(at, key): &(u32, _)| {
            key.perturbation == own && held.binary_search(at).is_err()
        });
        assert_eq!(left.count(), 1);
    }
    let single = planted();
    assert!(profile_split(&single).unwrap_err().to_string().contains("two contexts"));
}

#[test]
fn the_simple_baselines_are_what_hand_computation_gives() {
    let nan = f32::NAN;
    let data = dataset(
        2,
        &[
            (COMPOUND, "a", 0, vec![1.0, 3.0, nan]),
            (COMPOUND, "a", 1, vec![2.0, 4.0, 6.0]),
            (COMPOUND, "b", 0, vec![5.0, 9.0, 1.0]),
        ],
    );
    let split = Split::Profiles(vec![1]);
    let baselines = PredictionBaselines::fit(&data, &split, &SoftImputeConfig::default()).unwrap();
    let predicted = |name: &str, profile: usize| {
        let predictors = baselines.predictors();
        let mut row = vec![0.0; 3];
        predictors.iter().find(|(other, _)| *other == name).unwrap().1(profile, &mut row);
        row
    };
    assert_eq!(predicted("global mean", 1), [3.8, 3.8, 3.8]);
    assert_eq!(predicted("readout mean", 1), [3.0, 6.0, 1.0]);
    assert_eq!(predicted("perturbation mean", 1), [2.0, 2.0, 2.0]);
    let other = predicted("other context", 1);
    assert_eq!(other[..2], [1.0, 3.0]);
    assert!(other[2].is_nan());
    assert!(predicted("other context", 2).iter().all(|value| value.is_nan()));
    let answer = |_: usize, row: &mut [f32]| row.copy_from_slice(&[2.0, 5.0, nan]);
    let config = PredictionConfig::default();
    let report = evaluate_prediction(&data, &split, &[("mine", &answer)], &config).unwrap();
    let own = report.rows.iter().find(|row| row.method == "mine" && row.scope == "assay-1");
    // errors 0, 1 and, by the readout's mean 1, 5
    let scores = own.unwrap().scores;
    assert!((scores.rmse - (26.0_f64 / 3.0).sqrt()).abs() < 1e-6);
    assert!((scores.mae - 2.0).abs() < 1e-6);
    assert!((scores.coverage - 2.0 / 3.0).abs() < 1e-6);
    assert!((scores.r2 - (1.0 - 26.0 / 8.0)).abs() < 1e-6);
    assert!(!report.rows.iter().any(|row| row.scope == "assay-0"));
}

#[test]
fn soft_impute_recovers_a_low_rank_matrix_from_half_of_its_entries() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (a, b): (Vec<_>, Vec<_>) =
        (0..60).map(|_| (noise(3, &mut rng), noise(3, &mut rng))).unzip();
    let names: Vec<String> = (0..60).map(|i| format!("compound-{i:02}")).collect();
    let value = |i: usize, j: usize| (0..3).map(|k| a[i][k] * b[j][k]).sum::<f32>();
    let profiles: Vec<_> = (0..60)
        .map(|i| (COMPOUND, names[i].as_str(), 0, (0..50).map(|j| value(i, j)).collect()))
        .collect();
    let data = dataset(1, &profiles);
    let split = Split::Entries { share: 0.5, seed: 17 };
    let config = SoftImputeConfig {
        ranks: vec![1, 4, 8],
        shrinkages: vec![0.3, 0.1, 0.01, 0.001],
        max_iterations: 300,
        tolerance: 1e-6,
        ..SoftImputeConfig::default()
    };
    let fit = SoftImpute::fit(&data, &split, &config).unwrap();
    assert_eq!(fit.choices()[0].rank, 4, "rank 3 and the readout means need 4");
    let predictor = |profile: usize, row: &mut [f32]| fit.predict(profile, row);
    let report = evaluate_prediction(
        &data,
        &split,
        &[("low rank", &predictor)],
        &PredictionConfig::default(),
    )
    .unwrap();
    assert!(rmse(&report, "all", "low rank") < 0.03, "{}", rmse(&report, "all", "low rank"));
    assert!(rmse(&report, "all", "readout mean") > 0.5);
}

#[test]
fn a_split_that_holds_nothing_out_is_an_error() {
    let error = evaluate_prediction(&planted(), &Split::None, &[], &PredictionConfig::default());
    assert!(error.unwrap_err().to_string().contains("holds out no measured value"));
}

#[test]
fn labels_are_read_and_a_missing_column_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.csv");
    std::fs::write(&path, "gene,compound_key,source\nBCL2,ABT199,hub\nBCL2,ABT199,hub\nNA,X,\n")
        .unwrap();
    let labels = read_labels(&path).unwrap();
    assert_eq!((labels.len(), labels[0].compound.as_str()), (1, "ABT199"));
    std::fs::write(&path, "drug,gene\nABT199,BCL2\n").unwrap();
    assert!(read_labels(&path).unwrap_err().to_string().contains("compound"));
    std::fs::write(&path, "compound,gene\n").unwrap();
    assert!(read_labels(&path).unwrap_err().to_string().contains("at least one pair"));
}

/// The screens beside the repository; `None` where they are absent and not required.
fn shared_data() -> Option<PathBuf> {
    let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
    let required = std::env::var_os("PHENOCOPY_REQUIRE_SHARED").is_some();
    assert!(data.is_dir() || !required, "{} is required", data.display());
    data.is_dir().then_some(data)
}

fn viability(data: &Path, split: Split) -> Dataset {
    let recipe = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cancer-viability.toml");
    let options = DatasetOptions { split, ..DatasetOptions::default() };
    Dataset::from_recipe(&Recipe::read(recipe).unwrap(), data, &options).unwrap()
}

/// The rows of `shared/peers/retrieval_baselines.py`: hit@1, hit@10, hit@50, AUROC, MRR.
///
/// All 261 labelled names are found; six pairs of them are one compound here (AZD8931 = sapitinib,
/// GDC-0941 = pictilisib, dactolisib = NVP-BEZ235, sepantronium = YM155, obatoclax and its mesylate,
/// rapamycin = sirolimus), so 255 ask. Merging also averages more assays; the tolerance is the issue's.
#[test]
fn the_baselines_without_a_model_reproduce_their_references() {
    let Some(data) = shared_data() else { return };
    let dataset = viability(&data, Split::None);
    let labels = read_labels(data.join("viability/labels.csv")).unwrap();
    let task = RetrievalTask::from_dataset(&dataset, &labels, KNOCKOUT).unwrap();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&dataset, KNOCKOUT).unwrap();
    let report = evaluation.report(Half::All, &Bootstrap::default()).unwrap();
    assert!((255..=261).contains(&report.n_queries), "{} queries", report.n_queries);
    // The last row is MODEL.md's, of a program that is not shared; the merged names count more at rank 50.
    let expected = [
        ("correlation", 0.01, [0.146, 0.280, 0.391, 0.782, 0.197]),
        ("whitened-correlation", 0.01, [0.146, 0.310, 0.418, 0.806, 0.206]),
        ("gene-components", 0.012, [0.153, 0.314, 0.437, 0.810, 0.210]),
    ];
    for (name, tolerance, figures) in expected {
        let method = report.methods.iter().find(|method| method.name == name).unwrap();
        for ((metric, estimate), figure) in METRICS.iter().zip(&method.metrics).zip(figures) {
            let value = estimate.value;
            assert!((value - figure).abs() <= tolerance, "{name} {metric}: {value}, not {figure}");
        }
    }
}

/// Prints the prediction protocol of the viability screens: `cargo test --release -- --ignored`.
#[test]
#[ignore = "takes a minute; prints the baseline tables"]
fn the_prediction_baselines_of_the_viability_screens() {
    let Some(data) = shared_data() else { return };
    let whole = viability(&data, Split::None);
    println!("{}", noise_ceiling_table(&noise_ceilings(&whole)).render(MetricFormat::Table));
    for split in [entry_split(), profile_split(&whole).unwrap()] {
        let dataset = viability(&data, split.clone());
        let start = Instant::now();
        let config = PredictionConfig::default();
        let report = evaluate_prediction(&dataset, &split, &[], &config).unwrap();
        println!("{:?}", start.elapsed());
        for table in prediction_table(&report) {
            println!("{}", table.render(MetricFormat::Table));
        }
        let fit = SoftImpute::fit(&dataset, &split, &config.soft_impute).unwrap();
        println!("{:?}", fit.choices());
    }
}

#[test]
fn genes_of_one_assay_are_left_in_no_other_and_what_it_did_not_measure_stays() {
    const KNOCKDOWN: PerturbationType = PerturbationType::Sirna;
    let line = |value: f32| vec![value, 1.0, -value];
    let whole = dataset(
        4,
        &[
            (COMPOUND, "dabrafenib", 0, line(0.5)),
            (KNOCKOUT, "BRAF", 1, line(1.0)),
            (KNOCKOUT, "MDM2", 1, line(2.0)),
            (KNOCKOUT, "BRAF+MDM2", 1, line(3.0)),
            (KNOCKOUT, "BRAF", 2, line(4.0)),
            (KNOCKDOWN, "BRAF", 3, line(5.0)),
            (KNOCKDOWN, "EGFR", 3, line(6.0)),
        ],
    );
    let part = GenesOfOneAssay::new(&whole, "Assay 3").unwrap();
    let mut left: Vec<String> = part
        .dataset
        .profiles
        .keys()
        .iter()
        .map(|key| {
            format!("{} in {}", part.dataset.perturbations[key.perturbation as usize], key.context)
        })
        .collect();
    left.sort();
    let expected = ["CRISPR-KO_MDM2 in 1", "dabrafenib in 0", "siRNA_BRAF in 3", "siRNA_EGFR in 3"];
    assert_eq!(left, expected);
    assert_eq!((part.genetic, part.n_held_out, part.n_profiles), (KNOCKDOWN, 1, 3));
    let chemical = GenesOfOneAssay::new(&whole, "assay-0").unwrap_err().to_string();
    assert!(chemical.contains("assay-1, assay-2, assay-3"), "{chemical}");
    let alone = dataset(2, &[(KNOCKOUT, "BRAF", 0, line(1.0)), (KNOCKDOWN, "EGFR", 1, line(2.0))]);
    let message = GenesOfOneAssay::new(&alone, "assay-1").unwrap_err().to_string();
    assert!(message.contains("no gene of `assay-1`"), "{message}");
}
