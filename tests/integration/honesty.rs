use phenocopy::Result;
use phenocopy::dataset::synthetic::{SyntheticConfig, SyntheticWorld};
use phenocopy::evaluate::honesty::{HonestyReport, LEVEL, Share};
use phenocopy::evaluate::retrieval::RetrievalQuery;
use phenocopy::evaluate::{RetrievalTask, evaluate_honesty};
use phenocopy::experiment::PerturbationType;
use phenocopy::index::{HonestySummary, Index, IndexBuilder, Measure};
use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};
use phenocopy::report::{MetricFormat, honesty_tables};
use phenocopy::table::Label;
use tempfile::TempDir;

/// 200 compounds of 40 mechanisms and as many that do nothing. Of 12 mechanisms, in whose few directions vectors are
/// alike by chance, a true target at a similarity of .8 could not be told from the others.
fn world() -> SyntheticWorld {
    let config = SyntheticConfig {
        n_mechanisms: 40,
        class_sizes: 5..=5,
        n_genes: 160,
        n_readouts: 150,
        inactive_share: 0.5,
        n_hubs: 8,
        ..SyntheticConfig::default()
    };
    SyntheticWorld::generate(&config).unwrap()
}

struct Evaluated {
    report: HonestyReport,
    of_a_gene: Result<HonestyReport>,
    /// What the index says of itself: against genes and against classes.
    summaries: Vec<HonestySummary>,
}

/// Trains on a world and writes its index, in seconds.
pub fn build(world: &SyntheticWorld) -> (TempDir, Index) {
    let config = LpmConfig {
        embedding_dim: 64,
        max_epochs: 15,
        validation_share: 0.0,
        ..LpmConfig::default()
    };
    let options = TrainingOptions::default();
    let (ensemble, report) = Ensemble::train(&world.dataset, &config, &[13, 14], &options).unwrap();
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = home.path().join("world");
    IndexBuilder::from_ensemble(&world.dataset, &ensemble, &report).unwrap().write(&path).unwrap();
    let index = Index::open(&path).unwrap();
    (home, index)
}

fn evaluate(world: &SyntheticWorld) -> Evaluated {
    let (_home, index) = build(world);
    let label = |(compound, gene): &(String, String)| Label {
        compound: compound.clone(),
        gene: gene.clone(),
        source: String::new(),
    };
    let labels: Vec<Label> = world.labels.iter().map(label).collect();
    let knockout = PerturbationType::CrisprKnockout;
    let task = RetrievalTask::from_dataset(&world.dataset, &labels, knockout).unwrap();
    let gene = RetrievalQuery { row: task.panel()[0], targets: vec![0] };
    let other = RetrievalTask::new(task.panel().to_vec(), task.genes().to_vec(), vec![gene]);
    let of_task = |task: &RetrievalTask| evaluate_honesty(&index, &world.dataset, task);
    Evaluated {
        report: of_task(&task).unwrap(),
        of_a_gene: of_task(&other.unwrap()),
        summaries: index.manifest().calibration.clone().unwrap().honesty,
    }
}

#[test]
fn in_a_world_of_known_truth_compounds_that_do_nothing_find_nothing_and_the_others_their_target() {
    let world = world();
    let Evaluated { report, of_a_gene, summaries } = evaluate(&world);
    let name = |row: u32| &world.dataset.annotations[row as usize].name;
    let inactive = report.smallest_q.iter().filter(|(row, _)| world.inactive.contains(name(*row)));
    let outcomes: Vec<bool> = inactive.map(|(_, q)| *q <= LEVEL).collect();
    let n_false = outcomes.iter().filter(|outcome| **outcome).count();
    let false_share = Share { count: n_false, total: outcomes.len() };
    assert_eq!(false_share.total, 200);
    assert!(false_share.value() <= false_share.limit(LEVEL), "{n_false} of 200");
    assert!(report.is_honest() && report.controls.total == 200, "{report:?}");
    assert!(report.known.value() >= 0.8, "{:?}", report.known);
    assert!(of_a_gene.unwrap_err().to_string().contains("is no compound"));
    let n_opposites = summaries.iter().filter(|s| s.measure == Measure::Response).count();
    assert_eq!((summaries.len(), n_opposites), (5, 2));
    for HonestySummary { controls, known, inactive, measure, .. } in &summaries {
        assert!(controls.total > 0 && controls.value() <= controls.limit(LEVEL), "{summaries:?}");
        assert!(inactive.value() <= inactive.limit(LEVEL), "{summaries:?}");
        assert!(known.value() >= 0.8 || *measure == Measure::Response, "{summaries:?}");
    }
    // Those that do nothing are told from those that do.
    assert!((150..=210).contains(&summaries[0].inactive.total), "{summaries:?}");
    let tables = honesty_tables(&report).map(|table| table.render(MetricFormat::Tsv));
    assert!(tables[0].contains("\tshuffled profiles, folded in\t"), "{}", tables[0]);
}
