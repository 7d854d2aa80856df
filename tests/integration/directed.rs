//! Directed networks: planted targets are found, chance makes no edges, files hold what was found.

use phenocopy::dataset::{Dataset, ProfileKey, Profiles, Recipe, StorageLimits};
use phenocopy::embedding::Embeddings;
use phenocopy::evaluate::directed::{DirectedPrediction, JudgedEdge};
use phenocopy::evaluate::{Bootstrap, DirectedTask, evaluate_directed};
use phenocopy::experiment::{Annotation, Context, Perturbation, PerturbationType, Readout, Side};
use phenocopy::index::{Index, IndexBuilder, Provenance, Record, Responses};
use phenocopy::network::directed::{DirectedEdge, DirectedNetwork, DirectedQuery, Effect};
use phenocopy::report::Source;
use phenocopy::report::network::{
    write_directed_graphml, write_directed_overview, write_directed_sif, write_directed_tsv,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tempfile::TempDir;

const GENES: usize = 150;
const READOUTS: usize = 60;
const TARGETS: usize = 3;
const TYPES: [PerturbationType; 2] = [PerturbationType::Shrna, PerturbationType::Overexpression];

fn gene(at: usize) -> String {
    format!("G{at:03}")
}

/// Whether a readout is a target of a gene, and whether over-expression raises it.
fn target(gene: usize, readout: usize) -> Option<bool> {
    let step = (readout + READOUTS - gene % READOUTS) % READOUTS;
    [7, 19, 31][..TARGETS].contains(&step).then_some((gene + step).is_multiple_of(2))
}

/// What a perturbation does to a readout, where an effect counts as much as `signal` spreads of the noise. All perturbations
/// share one strong direction, and genes move themselves most.
fn effect(kind: PerturbationType, (gene, readout): (usize, usize), signal: f64) -> f64 {
    let sign = kind.gene_activity().unwrap();
    let common = if readout.is_multiple_of(3) { 3.0 } else { -1.0 };
    let own = if gene == readout { 2.0 * signal } else { 0.0 };
    let planted = target(gene, readout).map_or(0.0, |raises| if raises { 1.0 } else { -1.0 });
    common + sign * (own + signal * planted)
}

fn recipe(readout: &str) -> Recipe {
    let text = format!(
        "name = \"w\"\nlicence = \"CC0\"\nreadout = \"{readout}\"\n[[assay]]\nfile = \"x.csv\"\nlayout = \"long\"\ntype = \"shrna\"\ncontext = \"x\"\ncolumns = {{ perturbation = \"p\", readout = \"r\", value = \"v\" }}"
    );
    Recipe::parse(&text, "w.toml".as_ref()).unwrap()
}

/// An index of knock-downs and over-expression of the same genes, with responses as they are given, not trained.
fn world(signal: f64, seed: u64, readout: &str) -> (TempDir, Index) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut records, mut values, mut vectors) = (Vec::new(), Vec::new(), Vec::new());
    for kind in TYPES {
        for at in 0..GENES {
            records.push(Record {
                perturbation: Perturbation::new(kind, gene(at)),
                annotation: Annotation { name: gene(at), ..Annotation::default() },
                targeted_by: vec![],
                contexts: vec!["screen".to_owned()],
            });
            values.extend((0..READOUTS).map(|readout| {
                let noise: f64 = rng.sample(StandardNormal);
                (effect(kind, (at, readout), signal) + noise) as f32
            }));
            vectors.extend((0..8).map(|_| rng.sample::<f32, _>(StandardNormal)));
        }
    }
    let readouts = (0..READOUTS).map(gene).collect();
    let responses =
        Responses::factorise(values, readouts, &[(Side::Genetic, 0..records.len())]).unwrap();
    let embeddings = Embeddings::from_rows(vectors, 8).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let provenance = Provenance { recipe: Some(recipe(readout)), ..Provenance::default() };
    let builder = IndexBuilder::new("directed", embeddings, records).unwrap();
    builder.responses(responses).provenance(provenance).write(&path).unwrap();
    (folder, Index::open(&path).unwrap())
}

/// The edges of two genes: all, those that were planted, and those with the planted sign.
fn counted(network: &DirectedNetwork) -> [usize; 3] {
    counted_by(network, target)
}

fn counted_by(
    network: &DirectedNetwork,
    planted: impl Fn(usize, usize) -> Option<bool>,
) -> [usize; 3] {
    let position = |name: &str| name[1..].parse::<usize>().unwrap();
    let mut counts = [0; 3];
    for (edge, source, to) in network.joined().filter(|(edge, _, _)| !edge.is_self) {
        let perturbation = &source.record.perturbation;
        let planted = planted(position(perturbation.agent()), position(&to.symbol));
        let rises = perturbation.perturbation_type() == PerturbationType::Overexpression;
        counts[0] += 1;
        counts[1] += usize::from(planted.is_some());
        counts[2] += usize::from(
            planted.is_some_and(|raises| (raises == rises) == (edge.effect() == Effect::Raises)),
        );
    }
    counts
}

fn source() -> Source {
    Source { index: "i".into(), fingerprint: "f00d".into(), seeds: vec![], command: "c".into() }
}

#[test]
fn planted_targets_respond_and_what_all_perturbations_do_makes_no_edges() {
    let (_folder, index) = world(6.0, 1, "gene");
    let network = index.directed_network(&DirectedQuery::default()).unwrap();
    let [n_edges, n_planted, n_signed] = counted(&network);
    let possible = TYPES.len() * GENES * TARGETS;
    assert!(n_signed * 10 >= possible * 8, "{n_signed} of {possible}");
    assert!((n_edges - n_planted) * 20 <= n_edges, "{n_planted} of {n_edges} planted");
    assert_eq!(n_planted, n_signed);
    assert!(network.edges.is_sorted_by(|a, b| a.p_value <= b.p_value));
    assert_eq!(network.tested.len(), 2, "{:?}", network.tested);
    for summary in &network.tested {
        assert_eq!(summary.n_tested as usize, GENES * READOUTS - READOUTS);
        assert_eq!((summary.own.n, summary.own.n_expected), (READOUTS, READOUTS));
    }
    let own = network.edges.iter().filter(|edge| edge.is_self).count();
    assert_eq!(n_edges + own, network.edges.len());
    assert_eq!(n_edges, network.tested.iter().map(|summary| summary.n_edges).sum::<usize>());
    let ends: usize = network.targets.iter().map(|target| target.n_sources).sum();
    assert_eq!(ends, network.edges.len());
}

#[test]
fn chance_makes_no_directed_edges_and_its_p_values_are_even() {
    let (mut n_with_edges, mut shares) = (0, [0.0; 2]);
    for seed in 0..20 {
        let (_folder, index) = world(0.0, 100 + seed, "gene");
        let all = index.directed_network(&DirectedQuery { max_q: 1.0, ..Default::default() });
        let edges = all.unwrap().edges;
        n_with_edges += usize::from(edges.iter().any(|edge| !edge.is_self && edge.q_value <= 0.05));
        for (share, level) in shares.iter_mut().zip([0.05, 0.001]) {
            let n_below = edges.iter().filter(|edge| edge.p_value <= level).count();
            *share += n_below as f64 / edges.len() as f64 / 20.0;
        }
    }
    // Any edge is false: by two types each, expected in two worlds of 20, with a binomial error of 1.4.
    assert!(n_with_edges <= 4, "{n_with_edges} of 20");
    assert!(
        (0.04..=0.06).contains(&shares[0]) && (0.0003..=0.002).contains(&shares[1]),
        "{shares:?}"
    );
}

#[test]
fn chosen_sources_are_tested_against_the_chance_of_all_and_signs_are_chosen() {
    let (_folder, index) = world(6.0, 2, "gene");
    let all = index.directed_network(&DirectedQuery::default()).unwrap();
    let rows = index.picklist(&["G003".to_owned(), "G070".to_owned()]).unwrap().rows;
    let few = DirectedQuery { rows: Some(rows), ..DirectedQuery::default() };
    let network = index.directed_network(&few).unwrap();
    assert_eq!(network.sources.len(), 4, "either way of perturbing");
    assert_eq!(network.tested[0].null, all.tested[0].null);
    assert_eq!(network.tested[0].n_tested as usize, 2 * READOUTS - 1);
    let of = |effect| DirectedQuery { effect: Some(effect), ..DirectedQuery::default() };
    let n_of = |effect| index.directed_network(&of(effect)).unwrap().edges.len();
    let parts = [n_of(Effect::Raises), n_of(Effect::Lowers)];
    assert!(parts.iter().all(|n| *n > 0) && parts.iter().sum::<usize>() == all.edges.len());
    let row = network.sources[0].row;
    let around = all.around(&[row], &[10]);
    let is_near = |edge: &DirectedEdge| network_row(&all, edge) == row || edge.target == 10;
    assert!(!around.edges.is_empty() && around.edges.iter().all(is_near));
}

fn network_row(network: &DirectedNetwork, edge: &DirectedEdge) -> u32 {
    network.sources[edge.source].row
}

#[test]
fn indexes_whose_readouts_are_no_genes_are_refused_with_the_reason() {
    let (_folder, index) = world(6.0, 1, "cell line");
    let message = index.directed_network(&DirectedQuery::default()).unwrap_err().to_string();
    assert!(message.contains("of the kind `cell line`"), "{message}");
    let (_folder, index) = world(6.0, 1, "landmark gene");
    let types = vec![PerturbationType::Compound];
    let refused = index.directed_network(&DirectedQuery { types, ..DirectedQuery::default() });
    assert!(refused.unwrap_err().to_string().contains("no perturbation of this index"));
}

#[test]
fn files_of_a_directed_network_hold_what_was_found() {
    let (_folder, index) = world(6.0, 1, "gene");
    let network = index.directed_network(&DirectedQuery::default()).unwrap();
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    };
    let n_edges = network.edges.len();
    let edges = text(&|out| write_directed_tsv(out, &network, "f00d").unwrap());
    assert_eq!(edges.lines().count(), n_edges + 1);
    assert!(edges.lines().all(|line| line.split('\t').count() == 14));
    assert!(
        edges.contains("\nOE_G0") && edges.contains("\tlowers\t") && edges.contains("\t1\tf00d")
    );
    let sif = text(&|out| write_directed_sif(out, &network).unwrap());
    let is_edge = |line: &&str| line.contains("\traises\t") || line.contains("\tlowers\t");
    assert_eq!(sif.lines().filter(is_edge).count(), n_edges);
    let xml = text(&|out| write_directed_graphml(out, &network, &source()).unwrap());
    assert!(xml.contains("edgedefault=\"directed\"") && xml.matches("<edge ").count() == n_edges);
    assert_eq!(xml.matches("<key ").count(), 14);
    let table = text(&|out| write_directed_overview(out, &network, &source(), (10, 80)).unwrap());
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert!(table.contains("60 of 60 perturbed genes respond themselves as they must"), "{table}");
}

/// Whether a readout moves with the programme that a gene drives, as genes of a pathway do: what a model of few dimensions
/// can learn.
fn programme(gene: usize, readout: usize) -> Option<bool> {
    (readout % 15 == gene % 15).then_some((readout / 15 + gene % 15).is_multiple_of(2))
}

/// Profiles of two assays with planted programmes; `shuffled`: each in an order of its own over readouts.
fn dataset(signal: f64, seed: u64, is_shuffled: bool) -> Dataset {
    use rand::seq::SliceRandom;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    let mut keys = Vec::new();
    let kinds = [PerturbationType::Shrna, PerturbationType::Overexpression];
    for (perturbation, (context, kind)) in
        (0..).zip((0..GENES).map(|_| (0, kinds[0])).chain((0..GENES).map(|_| (1, kinds[1]))))
    {
        let at = perturbation as usize % GENES;
        keys.push(ProfileKey { perturbation, context });
        let mut row: Vec<f32> = (0..READOUTS)
            .map(|readout| {
                let noise: f64 = rng.sample(StandardNormal);
                let sign = kind.gene_activity().unwrap();
                let planted =
                    programme(at, readout).map_or(0.0, |up| if up { signal } else { -signal });
                let own = if at == readout { 2.0 * signal } else { 0.0 };
                ((sign * (planted + own) + noise) / 3.0) as f32
            })
            .collect();
        if is_shuffled {
            row.shuffle(&mut rng);
        }
        rows.push(row);
    }
    let profiles = Profiles::collect(keys, READOUTS, StorageLimits::default(), |profile, row| {
        row.copy_from_slice(&rows[profile]);
        Ok(())
    });
    let perturbation = |at: usize| Perturbation::new(kinds[at / GENES], gene(at % GENES));
    let mut dataset = Dataset::from_profiles(
        "directed",
        (0..2 * GENES).map(perturbation).collect(),
        ["knock-down", "over-expression"].map(|name| Context(name.into())).into(),
        (0..READOUTS).map(|at| Readout(gene(at))).collect(),
        profiles.unwrap(),
    )
    .unwrap();
    dataset.recipe.readout_kind = "gene".to_owned();
    dataset
}

#[test]
fn an_assay_held_out_judges_as_by_hand() {
    let dataset = dataset(6.0, 3, false);
    let task = DirectedTask::from_dataset(&dataset, 1, |name| name < "G040").unwrap();
    assert_eq!((task.genes().len(), task.readouts().len()), (40, READOUTS));
    assert_eq!(task.sign_of(PerturbationType::Shrna), Some(-1.0));
    assert_eq!(task.sign_of(PerturbationType::Compound), None);
    let means: Vec<f32> = (0..READOUTS)
        .map(|readout| (0..GENES).map(|at| dataset.profiles.row(GENES + at)[readout]).sum::<f32>())
        .map(|sum| sum / GENES as f32)
        .collect();
    let expected = dataset.profiles.row(GENES + 4)[9] - means[9];
    assert!((task.truth()[4 * READOUTS + 9] - expected).abs() < 1e-4);
    // One method knows the truth, one its opposite, one nothing.
    let truth: Vec<f64> = task.truth().iter().map(|value| f64::from(*value)).collect();
    let method = |name: &str, factor: f64| DirectedPrediction {
        name: name.to_owned(),
        values: truth.iter().map(|value| factor * value).collect(),
    };
    let methods = [method("nothing", 0.0), method("opposite", -2.0), method("truth", 0.5)];
    let edge = |(pair, z): (usize, &f64)| JudgedEdge { pair, z: *z, p_value: 0.02, q_value: 0.5 };
    let edges: Vec<JudgedEdge> = truth.iter().enumerate().map(edge).collect();
    let report = evaluate_directed(&task, &methods, &edges, &Bootstrap::default()).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-5, "{a} {b}");
    let values = |at: usize| report.methods[at].metrics.map(|estimate| estimate.value);
    for (found, expected) in [
        (values(0), [0.5, 0.5, 0.0, 0.0, 0.05]),
        (values(1), [0.0, 0.0, -1.0, -1.0, 1.0]),
        (values(2), [1.0, 1.0, 1.0, 1.0, 1.0]),
    ] {
        found.iter().zip(expected).for_each(|(a, b)| close(*a, b));
    }
    close(report.differences[1].metrics[0].value, 2.0);
    assert_eq!((report.n_pairs, report.n_self), (40 * (READOUTS - 1), 40));
    assert_eq!(report.n_self_expected, 40);
    let own: Vec<(usize, usize)> = report.methods.iter().map(|method| method.own).collect();
    assert_eq!(own, [(0, 0), (40, 0), (40, 40)]);
    let counts: Vec<usize> = report.edges.iter().map(|edges| edges.n).collect();
    assert_eq!(counts, [40 * (READOUTS - 1), 40 * (READOUTS - 1), 0, 0, 0]);
    close(report.edges[1].agreement.as_ref().unwrap().value, 1.0);
    assert!(report.edges[2].agreement.is_none());
    let short = DirectedPrediction { name: "short".to_owned(), values: vec![0.0] };
    assert!(evaluate_directed(&task, &[short], &[], &Bootstrap::default()).is_err());
    assert!(DirectedTask::from_dataset(&dataset, 1, |_| false).is_err());
}

#[cfg(feature = "train")]
mod trained {
    use phenocopy::dataset::Split;
    use phenocopy::embedding::ResponsePredictor;
    use phenocopy::evaluate::directed::{DirectedMethod, ProfilesOf};
    use phenocopy::model::{Ensemble, LpmConfig, TrainingOptions};

    use super::*;

    fn build(dataset: &Dataset) -> (TempDir, Index, Ensemble) {
        let config = LpmConfig { embedding_dim: 32, ..LpmConfig::default() };
        let (ensemble, report) =
            Ensemble::train(dataset, &config, &[13], &TrainingOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let builder = IndexBuilder::from_ensemble(dataset, &ensemble, &report).unwrap();
        builder.write(&path).unwrap();
        (folder, Index::open(&path).unwrap(), ensemble)
    }

    #[test]
    fn shuffled_profiles_make_few_edges() {
        let mut n_edges = Vec::new();
        for seed in 0..4 {
            let (_folder, index, _) = build(&dataset(6.0, 40 + seed, true));
            let network = index.directed_network(&DirectedQuery::default()).unwrap();
            n_edges.push(counted(&network)[0]);
        }
        assert!(n_edges.iter().filter(|n| **n > 0).count() <= 1, "{n_edges:?}");
    }

    #[test]
    fn a_model_finds_planted_targets_and_says_in_how_many_contexts() {
        let whole = dataset(6.0, 3, false);
        let (_folder, index, _) = build(&whole);
        let network = index.directed_network(&DirectedQuery::default()).unwrap();
        let [n_edges, n_planted, n_signed] = counted_by(&network, programme);
        let possible = 2 * (GENES * READOUTS / 15);
        assert!(n_signed * 10 >= possible * 7, "{n_signed} of {possible}");
        assert!((n_edges - n_planted) * 10 <= n_edges, "{n_planted} of {n_edges} planted");
        let in_context = DirectedQuery { context: Some("knock-down".into()), ..Default::default() };
        assert!(!index.directed_network(&in_context).unwrap().edges.is_empty());
        let known = |edge: &DirectedEdge| {
            edge.support.is_some_and(|support| support.measured == 1 && support.agreeing <= 1)
        };
        assert!(network.edges.iter().all(known));
        // Knock-downs tell what over-expression does.
        let task = DirectedTask::from_dataset(&whole, 1, |_| true).unwrap();
        let part = whole.restrict(|key| key.context == 0, &Split::None).unwrap();
        let (_folder, index, ensemble) = build(&part);
        let all = DirectedQuery { max_q: 1.0, ..DirectedQuery::default() };
        let edges = JudgedEdge::of_network(&task, &index.directed_network(&all).unwrap());
        let profiles = ProfilesOf::new(&task, &part);
        let predictor = ResponsePredictor::from_ensemble(&part, &Split::None, &ensemble);
        let methods = [
            profiles.readout_mean(),
            profiles.measured(),
            profiles.centred(),
            profiles.predicted(&predictor.unwrap().unwrap()).unwrap(),
            DirectedPrediction::of_edges("phenocopy", &task, &edges),
        ];
        let report = evaluate_directed(&task, &methods, &edges, &Bootstrap::default()).unwrap();
        let [nothing, .., candidate] = &report.methods[..] else { panic!("{report:?}") };
        let value = |method: &DirectedMethod, at: usize| method.metrics[at].value;
        assert!(value(candidate, 0) > 0.9 && value(candidate, 2) > 0.4, "{report:#?}");
        assert!(value(nothing, 2).abs() < 0.1, "{report:#?}");
        assert!(report.edges[3].agreement.as_ref().unwrap().value > 0.8, "{report:#?}");
    }
}
