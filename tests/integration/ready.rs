//! The index that comes with the repository answers what it promises.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use phenocopy::calibrate::LEVEL;
use phenocopy::embedding::scan_batch;
use phenocopy::experiment::{PerturbationType, Side};
use phenocopy::index::vector::{WalkParameters, WalkScratch};
use phenocopy::index::{Filter, HonestySummary, Index, Measure};
use phenocopy::report::{Source, reliability_plot};
#[cfg(feature = "train")]
use phenocopy::search::ContextResponses;
use phenocopy::search::{
    Answer, ExplanationTerm, Flag, Origin, ProfileUnits, Query, Scope, Signature, SignatureQuery,
    Via,
};
use proptest::prelude::*;

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");
const MOST_BYTES: u64 = 28_000_000;

fn path() -> PathBuf {
    Path::new(REPOSITORY).join("index/cancer-viability")
}

static READY: LazyLock<Index> = LazyLock::new(|| Index::open(path()).unwrap());

fn search(query: &Query) -> Answer {
    READY.search(query).unwrap()
}

fn genes(compound: &str, via: Via) -> Vec<String> {
    let hits = search(&Query { k: 3, via, ..Query::new(compound) }).hits;
    hits.iter().map(|hit| hit.record.gene().unwrap().to_owned()).collect()
}

#[test]
fn known_compounds_find_the_genes_they_act_on_whatever_the_engine() {
    for via in [Via::Auto, Via::Graph, Via::Scan] {
        for (compound, gene) in [
            ("venetoclax", "BCL2"),
            ("nutlin-3a", "MDM2"),
            ("dabrafenib", "BRAF"),
            ("linsitinib", "IGF1R"),
            ("capmatinib", "MET"),
        ] {
            let found = genes(compound, via);
            assert!(found.iter().any(|name| name == gene), "{compound} {via:?}: {found:?}");
        }
        let egfr = ["gefitinib", "erlotinib"].map(|compound| genes(compound, via));
        assert!(egfr.iter().any(|found| found.contains(&"EGFR".to_owned())), "{via:?}: {egfr:?}");
    }
    assert_eq!(genes("venetoclax", Via::Auto)[0], "BCL2", "the README's first answer");
}

#[test]
fn inhibitors_find_their_target_with_significance() {
    for (compound, gene) in [
        ("erlotinib", "EGFR"),
        ("gefitinib", "EGFR"),
        ("dabrafenib", "BRAF"),
        ("nutlin-3", "MDM2"),
        ("linsitinib", "IGF1R"),
    ] {
        let hits = search(&Query { k: 20, ..Query::new(compound) }).hits;
        let target = hits.iter().find(|hit| hit.record.gene() == Some(gene)).unwrap();
        let worth = target.significance.unwrap();
        assert!(worth.q_value <= LEVEL && worth.z > 3.0, "{compound}: {worth:?}");
        assert!(worth.probability.unwrap() > 0.05 && worth.tau.unwrap() > 99.0, "{worth:?}");
        assert!(!target.flags.contains(&Flag::InactiveQuery));
    }
}

#[test]
fn compounds_resemble_the_class_that_they_are_of() {
    for (compound, class) in [("gefitinib", "EGFR inhibitor"), ("erlotinib", "EGFR inhibitor")] {
        let mechanisms = search(&Query::new(compound)).mechanisms;
        let own = mechanisms.iter().find(|mechanism| mechanism.name == class).unwrap();
        assert!(own.is_known && own.q_value <= LEVEL, "{compound}: {own:?}");
        assert!(own.members.iter().all(|(name, _)| !name.contains(compound)));
    }
}

#[test]
fn its_statistics_are_honest_and_its_probabilities_reliable() {
    let calibration = READY.manifest().calibration.as_ref().unwrap();
    let of = |measure| calibration.honesty.iter().filter(move |h| h.measure == measure);
    let targets = |measure| of(measure).map(|h| h.targets.as_str()).collect::<Vec<&str>>();
    assert_eq!(targets(Measure::Embedding), ["trt_cp", "trt_xpr", "classes"]);
    assert_eq!(targets(Measure::Response), ["trt_cp", "trt_xpr"]);
    for HonestySummary { controls, inactive, .. } in of(Measure::Response) {
        assert!(controls.total == 200 && controls.value() <= controls.limit(LEVEL));
        assert!(inactive.value() <= inactive.limit(LEVEL));
    }
    for honesty in of(Measure::Embedding) {
        let controls = honesty.controls;
        assert!(controls.total == 200 && controls.value() <= controls.limit(LEVEL), "{honesty:?}");
        // Weak analogues may well be alike.
        let most = if honesty.targets == "trt_cp" { 0.2 } else { 0.1 };
        assert!(honesty.inactive.value() <= most && honesty.inactive.total > 200, "{honesty:?}");
        assert!(honesty.known.value() >= 0.1, "{honesty:?}");
    }
    let tables = calibration.strata.iter().filter_map(|stratum| stratum.reliability.as_ref());
    let tables: Vec<_> = tables.collect();
    assert!(tables.len() >= 2);
    let source = Source {
        index: "ready".to_owned(),
        fingerprint: READY.manifest().fingerprint.clone(),
        command: "test".to_owned(),
        ..Source::default()
    };
    let picture = reliability_plot(calibration, &source).unwrap();
    let n_bins: usize = tables[..2].iter().map(|table| table.bins.len()).sum();
    assert_eq!(picture.matches("<circle").count(), n_bins);
    assert!(picture.contains("trt_cp to trt_xpr") && picture.contains("trt_xpr to trt_cp"));
    for table in tables {
        assert!(table.brier < table.brier_of_base_rate && table.bins.len() >= 5, "{table:?}");
    }
}

#[test]
fn a_gene_finds_the_compounds_that_act_on_it() {
    for (gene, compound) in [("BCL2", "venetoclax"), ("BRAF", "dabrafenib"), ("MDM2", "nutlin")] {
        let hits = search(&Query::new(gene)).hits;
        let names: Vec<String> = hits.iter().map(|hit| hit.record.name().to_lowercase()).collect();
        assert!(names.iter().any(|name| name.contains(compound)), "{gene}: {names:?}");
    }
}

#[test]
fn it_is_small_whole_and_says_where_it_comes_from() {
    fn bytes(path: &Path) -> u64 {
        let metadata = std::fs::metadata(path).unwrap();
        if metadata.is_file() {
            return metadata.len();
        }
        let entries = std::fs::read_dir(path).unwrap();
        entries.map(|entry| bytes(&entry.unwrap().path())).sum()
    }
    assert!(bytes(&path()) <= MOST_BYTES, "{}", bytes(&path()));
    READY.verify().unwrap();
    let manifest = READY.manifest();
    assert_eq!(manifest.name, "cancer-viability");
    assert_eq!(manifest.seeds, [13, 14, 15, 16, 17]);
    let recipe = manifest.recipe.as_ref().unwrap();
    let written =
        phenocopy::dataset::Recipe::read(Path::new(REPOSITORY).join("data/cancer-viability.toml"));
    assert_eq!(recipe.to_toml().unwrap(), written.unwrap().to_toml().unwrap());
    assert_eq!(manifest.inputs.len(), 7);
}

/// Returns the share of the exact ten nearest that the graph of a side finds, asked with all of the other side.
fn recall(side: Side) -> f64 {
    let (graph, summary) = READY.graph(side).unwrap();
    let vectors = READY.vectors(READY.range(side));
    let queries = READY.vectors(READY.range(side.opposite()));
    let exact = scan_batch(vectors, READY.dim(), queries, None, 10);
    let parameters = WalkParameters { k: 10, ef: summary.ef_search };
    let mut scratch = WalkScratch::default();
    let (mut n_found, mut n_exact) = (0, 0);
    for (query, exact) in queries.chunks_exact(READY.dim()).zip(exact) {
        let found = graph.search(vectors, query, &parameters, None, &mut scratch).unwrap();
        n_exact += exact.len();
        n_found += exact.iter().filter(|near| found.iter().any(|f| f.row == near.row)).count();
    }
    n_found as f64 / n_exact as f64
}

#[test]
fn its_graphs_find_what_the_exact_scan_finds() {
    for side in [Side::Chemical, Side::Genetic] {
        let recall = recall(side);
        assert!(recall >= 0.99, "{side}: {recall:.4}");
    }
}

#[test]
fn any_name_of_a_compound_or_gene_finds_it() {
    for (written, name) in [
        ("ABT-199", "venetoclax"),
        ("abt199", "venetoclax"),
        ("VENETOCLAX", "venetoclax"),
        ("LQBVNQSMGBZMKD-UHFFFAOYSA-N", "venetoclax"),
        ("OSI-906", "linsitinib"),
        ("Tarceva", "erlotinib"),
        ("ERBB1", "EGFR"),
        ("HGNC:990", "BCL2"),
    ] {
        let answer = search(&Query::new(written));
        assert_eq!(answer.query.name(), name, "{written}");
    }
}

#[test]
fn selective_filters_still_give_all_k() {
    let phase = Filter { phases: vec!["Phase 1/Phase 2".to_owned()], ..Filter::default() };
    let cyclins = Filter { expression: Some("description:cyclin".to_owned()), ..Filter::default() };
    for (name, filter) in [("BCL2", phase), ("dasatinib", cyclins)] {
        let ask = |via| {
            let query = Query { filter: filter.clone(), via, k: 10, ..Query::new(name) };
            search(&query)
        };
        let exact = ask(Via::Scan);
        let n_side = READY.range(exact.query.perturbation.side().opposite()).len();
        assert!(exact.n_panel >= 10, "{name}: {} pass", exact.n_panel);
        assert!(exact.n_panel * 30 <= n_side, "{name}: {} of {n_side} pass", exact.n_panel);
        for via in [Via::Auto, Via::Graph] {
            let answer = ask(via);
            assert_eq!(answer.hits.len(), 10, "{name} {via:?}");
            assert_eq!(answer.hits, exact.hits, "{name} {via:?}");
        }
    }
}

#[test]
fn every_perturbation_finds_itself_by_symbol_and_is_no_hit_of_its_own() {
    for row in (0..READY.n_rows() as u32).step_by(97) {
        let symbol = READY.record(row).unwrap().perturbation.symbol();
        let answer = search(&Query { scope: Scope::All, ..Query::new(symbol.clone()) });
        assert_eq!(answer.query.perturbation.symbol(), symbol);
        assert!(answer.hits.iter().all(|hit| hit.row != row), "{symbol}");
        assert_eq!(answer.hits.len(), 10, "{symbol}");
        assert_eq!(answer.n_panel, READY.n_rows() - 1, "{symbol}");
    }
}

/// Returns the folder of the real screens; `None` where they are absent and not required.
fn shared_data() -> Option<PathBuf> {
    let data = Path::new(REPOSITORY).join("../shared/data");
    if data.is_dir() {
        return Some(data);
    }
    assert!(std::env::var_os("PHENOCOPY_REQUIRE_SHARED").is_none(), "{data:?} is absent");
    None
}

#[test]
fn known_targets_rank_at_least_as_high_as_by_any_baseline() {
    use phenocopy::dataset::{Dataset, DatasetOptions, Recipe};
    use phenocopy::evaluate::retrieval::{IndexSimilarities, METRICS, Role};
    use phenocopy::evaluate::{Bootstrap, Half, RetrievalEvaluation, RetrievalTask};

    let Some(data) = shared_data() else { return };
    let recipe = Recipe::read(Path::new(REPOSITORY).join("data/cancer-viability.toml")).unwrap();
    let dataset = Dataset::from_recipe(&recipe, &data, &DatasetOptions::default()).unwrap();
    let labels = phenocopy::table::read_labels(data.join("viability/labels.csv")).unwrap();
    let panel = PerturbationType::CrisprKnockout;
    let task = RetrievalTask::from_dataset(&dataset, &labels, panel).unwrap();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&dataset, panel).unwrap();
    let similarities = IndexSimilarities::new(&READY, &dataset).unwrap();
    evaluation.add("phenocopy", Role::Candidate, &similarities).unwrap();
    let report = evaluation.report(Half::All, &Bootstrap::default()).unwrap();
    let scores = |name: &str| {
        let method = report.methods.iter().find(|method| method.name == name).unwrap();
        ["MRR", "hit@10"].map(|metric| {
            let position = METRICS.iter().position(|name| *name == metric).unwrap();
            method.metrics[position].value
        })
    };
    let ours = scores("phenocopy");
    for name in ["correlation", "whitened-correlation", "gene-components"] {
        let theirs = scores(name);
        assert!(ours[0] >= theirs[0] && ours[1] >= theirs[1], "{ours:?}, {name} {theirs:?}");
    }
}

#[cfg(feature = "train")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_terms_of_an_explanation_in_a_context_add_up_to_its_similarity(
        a in 0..READY.n_rows() as u32, b in 0..READY.n_rows() as u32, context in 0..4_usize
    ) {
        static RESPONSES: LazyLock<ContextResponses> =
            LazyLock::new(|| ContextResponses::open(&READY).unwrap().unwrap());
        let context = &READY.manifest().counts.contexts[context];
        let query = |row: u32| Query::new(READY.record(row).unwrap().perturbation.symbol());
        let why = READY.explain_in(&RESPONSES, &query(a), &query(b), context).unwrap();
        let sum: f64 = why.terms.iter().map(|term| term.contribution).sum();
        prop_assert!((sum - f64::from(why.response_similarity)).abs() < 1e-5);
        prop_assert_eq!(why.terms.len(), READY.response_readouts().count());
        let here = why.by_context.iter().find(|other| other.context == *context).unwrap();
        prop_assert!((here.response_similarity - why.response_similarity).abs() < 1e-6);
    }
}

#[test]
fn its_gain_over_whitened_correlation_is_there_in_every_assay() {
    use phenocopy::dataset::{Dataset, DatasetOptions};
    use phenocopy::evaluate::retrieval::{GroupedReport, IndexSimilarities, Role};
    use phenocopy::evaluate::{
        Bootstrap, Grouping, Half, QueryGroups, RetrievalEvaluation, RetrievalTask,
    };
    use phenocopy::report::grouped_retrieval_tables;

    let Some(data) = shared_data() else { return };
    let recipe = READY.manifest().recipe.clone().unwrap();
    let dataset = Dataset::from_recipe(&recipe, &data, &DatasetOptions::default()).unwrap();
    let labels = phenocopy::table::read_labels(data.join(recipe.labels.unwrap())).unwrap();
    let panel = PerturbationType::CrisprKnockout;
    let task = RetrievalTask::from_dataset(&dataset, &labels, panel).unwrap();
    let mut evaluation = RetrievalEvaluation::new(&task);
    evaluation.add_profile_baselines(&dataset, panel).unwrap();
    let similarities = IndexSimilarities::new(&READY, &dataset).unwrap();
    evaluation.add("phenocopy", Role::Candidate, &similarities).unwrap();
    let report = |grouping| {
        let groups = QueryGroups::new(grouping, &task, &dataset, Half::All);
        evaluation.report_groups(groups, &Bootstrap::default()).unwrap()
    };
    let sizes = |report: &GroupedReport| -> Vec<(String, usize)> {
        report.groups.groups.iter().map(|g| (g.name.clone(), g.queries.len())).collect()
    };
    let (assays, mechanisms) = (report(Grouping::Assay), report(Grouping::Mechanism));
    let expected = [("GDSC1", 99), ("GDSC2", 134), ("CTRPv2", 159)];
    assert_eq!(sizes(&assays), expected.map(|(name, n)| (name.to_owned(), n)));
    let table = &grouped_retrieval_tables(&assays)[1];
    for (assay, _) in expected {
        let gain = table.value(assay, "phenocopy - whitened-correlation").unwrap();
        assert!(gain.interval.unwrap().0 > 0.0, "{assay}: {gain:?}");
    }
    assert_eq!(sizes(&mechanisms)[0], ("EGFR inhibitor".to_owned(), 21));
    let n_shown = mechanisms.results.len();
    assert!(n_shown >= 15 && mechanisms.groups.n_left_out < task.queries().len(), "{n_shown}");
}

proptest! {
    #[test]
    fn the_terms_of_an_explanation_add_up_to_the_similarity_of_the_responses(
        a in 0..READY.n_rows() as u32, b in 0..READY.n_rows() as u32
    ) {
        let symbol = |row: u32| READY.record(row).unwrap().perturbation.symbol();
        let why = READY.explain(&Query::new(symbol(a)), &Query::new(symbol(b))).unwrap();
        let sum: f64 = why.terms.iter().map(|term| term.contribution).sum();
        prop_assert!((sum - f64::from(why.response_similarity)).abs() < 1e-5);
        prop_assert_eq!(Some(why.response_similarity), READY.response_similarity(a, b));
        prop_assert!(why.terms.is_sorted_by_key(|term| -term.contribution.abs()));
        prop_assert!((why.terms.last().unwrap().cumulative_share - 1.0).abs() < 1e-9);
    }
}

#[test]
fn its_significance_is_honest_and_finds_known_targets() {
    use phenocopy::dataset::{Dataset, DatasetOptions};
    use phenocopy::evaluate::{RetrievalTask, evaluate_honesty};
    let Some(data) = shared_data() else { return };
    let recipe = READY.manifest().recipe.clone().unwrap();
    let dataset = Dataset::from_recipe(&recipe, &data, &DatasetOptions::default()).unwrap();
    let labels = phenocopy::table::read_labels(data.join(recipe.labels.unwrap())).unwrap();
    let knockout = PerturbationType::CrisprKnockout;
    let task = RetrievalTask::from_dataset(&dataset, &labels, knockout).unwrap();
    let report = evaluate_honesty(&READY, &dataset, &task).unwrap();
    assert!(report.is_honest(), "{:?}", report.controls);
    assert!(report.least_active.value() <= 0.1, "{:?}", report.least_active);
    // Three times what the plain pooled null gives on the correlation baseline.
    assert!(report.known.value() >= 0.09, "{:?}", report.known);
    for gene in ["EGFR", "BRAF", "MDM2", "IGF1R"] {
        assert!(report.by_gene[gene].count > 0, "{gene}: {:?}", report.by_gene);
    }
}

/// Whether the machine has the fused multiply-add that the ready index was built with.
#[cfg(all(target_arch = "x86_64", feature = "train", feature = "cli"))]
fn is_recorded_machine() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx2") && has!("fma")
}

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", feature = "train", feature = "cli"))]
#[ignore = "minutes in a debug build; .ci/run rebuilds with the release binary"]
fn a_rebuild_from_the_recipe_gives_the_same_index() {
    let Some(data) = shared_data() else { return };
    if !is_recorded_machine() {
        eprintln!("skipped: this machine rounds otherwise, it has no fused multiply-add");
        return;
    }
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let output = home.path().join("rebuilt");
    let recipe = Path::new(REPOSITORY).join("data/cancer-viability.toml");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_phenocopy"))
        .arg("build")
        .arg(recipe)
        .arg("--data")
        .arg(data)
        .arg("-o")
        .arg(&output)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_kilobytes(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert!(status.success());
    let rebuilt = Index::open(&output).unwrap();
    assert_eq!(rebuilt.manifest().fingerprint, READY.manifest().fingerprint);
    assert!(peak > 0 && peak < 2 << 20, "{peak} KiB of memory at the peak");
}

/// Returns the most memory a process has held so far (`VmHWM`), 0 when it has ended.
#[cfg(all(target_arch = "x86_64", target_os = "linux", feature = "train", feature = "cli"))]
fn peak_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn cell_lines_are_called_as_people_call_them_and_a_signature_may_name_them_so() {
    let why = READY.explain(&Query::new("venetoclax"), &Query::new("BCL2")).unwrap();
    assert_eq!(
        (why.terms[0].readout.as_str(), why.terms[0].readout_name.as_str()),
        ("ACH-000113", "OCI-AML2")
    );
    let answer = |name: &dyn Fn(&ExplanationTerm) -> String| {
        let values = why.terms.iter().map(|term| (name(term), term.query as f32)).collect();
        let signature = Signature { name: "mine".to_owned(), values };
        let query = SignatureQuery {
            context: Some("GDSC2".to_owned()),
            units: ProfileUnits::Normalised,
            ..SignatureQuery::new(signature)
        };
        READY.search_signature(&query).unwrap()
    };
    let by_id = answer(&|term| term.readout.clone());
    let by_name = answer(&|term| term.readout_name.to_lowercase().replace('-', ""));
    let Origin::Signature(fit) = &by_name.origin else { panic!("{:?}", by_name.origin) };
    // Some names are those of two lines.
    assert!(fit.n_matched > 600 && fit.n_matched + fit.unmatched.len() == 647, "{fit:?}");
    assert_eq!(by_name.hits[0].row, by_id.hits[0].row);
}

#[test]
fn a_set_of_cell_lines_is_found_by_what_they_have_in_common_and_not_by_what_all_lines_show() {
    let why = READY.explain(&Query::new("dabrafenib"), &Query::new("BRAF")).unwrap();
    let mut lines: Vec<(String, f32)> =
        why.terms.iter().map(|term| (term.readout_name.clone(), term.query as f32)).collect();
    lines.sort_by(|a, b| a.1.total_cmp(&b.1));
    let most_sensitive: Vec<(String, f32)> =
        lines.into_iter().take(40).map(|(name, _)| (name, -1.0)).collect();
    let set = READY.signature_of_members("sensitive to dabrafenib", &most_sensitive).unwrap();
    let rank_of_braf = |units| {
        let query = SignatureQuery { units, k: 3_000, ..SignatureQuery::new(set.clone()) };
        let answer = READY.search_signature(&query).unwrap();
        answer.hits.iter().position(|hit| hit.record.perturbation.symbol() == "CRISPR-KO_BRAF")
    };
    let (relative, as_screened) =
        (rank_of_braf(ProfileUnits::Relative), rank_of_braf(ProfileUnits::Screen));
    assert!(relative < Some(5), "{relative:?}");
    assert!(relative <= as_screened, "{relative:?} {as_screened:?}");
}
