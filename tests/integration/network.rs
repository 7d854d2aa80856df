//! Networks: planted complexes are found, chance makes no edges, files hold what was found.

use std::path::Path;

use phenocopy::Error;
use phenocopy::calibrate::ClassKind;
use phenocopy::embedding::Embeddings;
use phenocopy::evaluate::network::AllPairs;
use phenocopy::evaluate::{Bootstrap, NetworkTask, evaluate_network};
use phenocopy::experiment::{Annotation, Moa, Perturbation, PerturbationType, Target};
use phenocopy::index::{Index, IndexBuilder, Record};
use phenocopy::network::{Compared, Network, NetworkQuery};
use phenocopy::report::Source;
use phenocopy::report::network::{
    network_picture, write_communities_tsv, write_edges_tsv, write_graphml, write_nodes_tsv,
    write_sif,
};
use phenocopy::search::Direction;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use tempfile::TempDir;

const COMPLEXES: usize = 24;
const MEMBERS: usize = 5;
const LONERS: usize = 180;
const DIM: usize = 48;

/// Genes of complexes, genes of none, and for each of the first complexes three compounds that act on it; all genes lie along
/// one strong direction, as fast-growing lines make them. `signal` is the share of a complex in its members' vectors.
fn world(signal: f64, seed: u64) -> (TempDir, Index) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || -> Vec<f64> { (0..DIM).map(|_| rng.sample(StandardNormal)).collect() };
    let growth = normal();
    let centres: Vec<Vec<f64>> = (0..COMPLEXES).map(|_| normal()).collect();
    let (mut records, mut values) = (Vec::new(), Vec::new());
    let mut push = |kind, name: String, complex: Option<usize>, own: Vec<f64>, pull: f64| {
        records.push(record(kind, name, complex));
        values.extend((0..DIM).map(|k| {
            let shared = complex.map_or(0.0, |complex| signal * centres[complex][k]);
            (shared + (1.0 - signal) * own[k] + pull * growth[k]) as f32
        }));
    };
    for complex in 0..10 {
        for copy in ["a", "b", "c"] {
            let name = format!("drug-{complex}{copy}");
            push(PerturbationType::Compound, name, Some(complex), normal(), 0.0);
        }
    }
    for gene in 0..COMPLEXES * MEMBERS + LONERS {
        let complex = (gene < COMPLEXES * MEMBERS).then_some(gene / MEMBERS);
        let name = complex.map_or(format!("LONER{gene}"), |c| format!("C{c}G{}", gene % MEMBERS));
        let pull = if gene % 2 == 0 { 1.5 } else { -1.5 };
        push(PerturbationType::CrisprKnockout, name, complex, normal(), pull);
    }
    let embeddings = Embeddings::from_rows(values, DIM).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    IndexBuilder::new("complexes", embeddings, records).unwrap().write(&path).unwrap();
    let index = Index::open(&path).unwrap();
    (folder, index)
}

fn record(kind: PerturbationType, name: String, complex: Option<usize>) -> Record {
    let is_compound = kind == PerturbationType::Compound;
    let complex = complex.filter(|_| is_compound);
    let annotation = Annotation {
        name: name.clone(),
        moas: complex.iter().map(|c| Moa(format!("complex-{c} inhibitor"))).collect(),
        targets: complex.iter().map(|c| Target(format!("C{c}G0"))).collect(),
        ..Annotation::default()
    };
    let contexts = vec!["screen".to_owned()];
    Record {
        perturbation: Perturbation::new(kind, name),
        annotation,
        targeted_by: vec![],
        contexts,
    }
}

/// The complex that a name tells of.
fn complex(name: &str) -> Option<&str> {
    name.strip_prefix("drug-").map(|rest| rest.trim_end_matches(['a', 'b', 'c']))
}

fn complex_of_gene(name: &str) -> Option<&str> {
    name.strip_prefix('C')?.split('G').next()
}

fn n_true(network: &Network) -> usize {
    let of = |name: &str| complex(name).or(complex_of_gene(name)).map(str::to_owned);
    let ends = network.joined().map(|(_, ends)| ends.map(|node| of(node.record.name())));
    ends.filter(|[a, b]| a.is_some() && a == b).count()
}

fn source() -> Source {
    Source { index: "i".into(), fingerprint: "f00d".into(), seeds: vec![], command: "c <&>".into() }
}

#[test]
fn genes_of_a_complex_are_joined_and_others_are_not() {
    let (_folder, index) = world(0.75, 1);
    let network = index.network(&NetworkQuery::default()).unwrap();
    let n_true = n_true(&network);
    let possible = COMPLEXES * MEMBERS * (MEMBERS - 1) / 2;
    let n_false = network.edges.len() - n_true;
    assert!(n_true * 10 >= possible * 8, "{n_true} of {possible}");
    // q ≤ .05: a twentieth may be false, and as many again by chance.
    assert!(n_false * 10 <= network.edges.len(), "{n_false} of {} false", network.edges.len());
    assert!(network.edges.is_sorted_by(|a, b| a.p_value <= b.p_value));
    let degrees: usize = network.nodes.iter().map(|node| node.degree).sum();
    assert_eq!(degrees, 2 * network.edges.len());
    let [kind] = &network.tested[..] else { panic!("{:?}", network.tested) };
    let n = (COMPLEXES * MEMBERS + LONERS) as u64;
    assert_eq!((kind.n_tested, kind.n_edges), (n * (n - 1) / 2, network.edges.len()));
}

#[test]
fn communities_are_the_complexes_and_share_what_their_compounds_do() {
    let (_folder, index) = world(0.75, 2);
    let types = vec![PerturbationType::CrisprKnockout, PerturbationType::Compound];
    let query = NetworkQuery { types, ..NetworkQuery::default() };
    let network = index.network(&query).unwrap();
    assert_eq!(network.tested.len(), 3, "compounds, genes, and both");
    let mut n_named = 0;
    for community in &network.communities {
        let names = community.nodes.iter().map(|at| network.nodes[*at].record.name());
        let (drugs, genes): (Vec<&str>, Vec<&str>) = names.partition(|n| n.starts_with("drug"));
        let own = genes.iter().find_map(|name| complex_of_gene(name));
        if let (Some(own), [_, _, ..]) = (own, &drugs[..]) {
            let expected = format!("complex-{own} inhibitor");
            let found = community.mechanisms.iter().find(|m| m.kind == ClassKind::Moa);
            n_named += usize::from(found.is_some_and(|m| m.name == expected && m.q_value <= 0.05));
        }
    }
    assert!(n_named >= 8, "{n_named} of 10: {:#?}", network.communities);
    assert_eq!(network, index.network(&query).unwrap(), "the same each time");
}

#[test]
fn chance_makes_no_edges() {
    let n_with_edges = (0..10).filter(|seed| {
        let (_folder, index) = world(0.0, 100 + seed);
        !index.network(&NetworkQuery::default()).unwrap().edges.is_empty()
    });
    // Where nothing is true any edge is false: expected in one run of 20.
    let n_with_edges = n_with_edges.count();
    assert!(n_with_edges <= 2, "{n_with_edges} of 10");
}

#[test]
fn chosen_genes_are_tested_against_the_chance_of_all() {
    let (_folder, index) = world(0.75, 1);
    let all = index.network(&NetworkQuery::default()).unwrap();
    let names = ["C0G0", "C0G1", "C0G2", "LONER150"].map(str::to_owned);
    let rows = index.picklist(&names).unwrap().rows;
    let few = index.network(&NetworkQuery { rows: Some(rows), ..NetworkQuery::default() }).unwrap();
    assert_eq!((few.nodes.len(), few.tested[0].n_tested), (4, 6));
    assert_eq!(few.tested[0].null, all.tested[0].null);
    assert_eq!(few.edges.len(), 3, "{:?}", few.edges);
    for (edge, ends) in few.joined() {
        let rows = ends.map(|node| node.row);
        let (other, _) = all.joined().find(|(_, ends)| ends.map(|node| node.row) == rows).unwrap();
        assert!((edge.p_value - other.p_value).abs() < 1e-12 && edge.q_value <= other.q_value);
    }
}

#[test]
fn edges_are_kept_by_sign_by_similarity_and_as_mutual_neighbours() {
    let (_folder, index) = world(0.75, 1);
    let all = NetworkQuery { max_q: 1.0, ..NetworkQuery::default() };
    let n = COMPLEXES * MEMBERS + LONERS;
    let with = |query: NetworkQuery| index.network(&query).unwrap().edges;
    assert_eq!(with(all.clone()).len(), n * (n - 1) / 2);
    let opposed = with(NetworkQuery { direction: Direction::Oppose, ..all.clone() });
    assert!(opposed.iter().all(|edge| edge.similarity < 0.0) && !opposed.is_empty());
    let alike = with(NetworkQuery { min_similarity: 0.5, ..all.clone() });
    assert!(alike.iter().all(|edge| edge.similarity.abs() >= 0.5));
    let mutual = index.network(&NetworkQuery { mutual: Some(3), ..all }).unwrap();
    assert!(mutual.nodes.iter().all(|node| node.degree <= 6), "three of each sign");
    assert!(mutual.nodes.iter().any(|node| node.degree > 0));
}

#[test]
fn a_neighbourhood_keeps_the_edges_among_its_nodes() {
    let (_folder, index) = world(0.75, 1);
    let network = index.network(&NetworkQuery::default()).unwrap();
    let centre = network.nodes.iter().find(|node| node.record.name() == "C3G0").unwrap().row;
    let part = network.around(&[centre]);
    let names: Vec<&str> = part.nodes.iter().map(|node| node.record.name()).collect();
    assert!(names.len() >= 4 && names.contains(&"C3G0") && names.contains(&"C3G1"), "{names:?}");
    let community = part.nodes[0].community.unwrap();
    assert!(part.communities[community].nodes.contains(&0));
    assert!(network_picture(&part, &source()).unwrap().contains(">C3G1</text>"));
    assert_eq!(network_picture(&network.around(&[]), &source()), None, "nothing to draw");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (_folder, index) = world(0.75, 1);
    let refused = |query: NetworkQuery| index.network(&query).unwrap_err().to_string();
    let one = index.picklist(&["C0G0".to_owned()]).unwrap().rows;
    let message = refused(NetworkQuery { rows: Some(one), ..NetworkQuery::default() });
    assert!(message.contains("fewer than two"), "{message}");
    let message = refused(NetworkQuery { compared: Compared::Responses, ..Default::default() });
    assert!(message.contains("no model"), "{message}");
    let error = index.network(&NetworkQuery { resolution: 0.0, ..Default::default() });
    assert!(matches!(error, Err(Error::Parameter { .. })), "{error:?}");
    let compounds = vec![PerturbationType::Compound];
    let message = refused(NetworkQuery { types: compounds, ..NetworkQuery::default() });
    assert!(message.contains("too few pairs"), "{message}");
}

#[test]
fn files_hold_what_was_found() {
    let (_folder, index) = world(0.75, 1);
    let network = index.network(&NetworkQuery::default()).unwrap();
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    };
    let n_edges = network.edges.len();
    let edges = text(&|out| write_edges_tsv(out, &network, "f00d").unwrap());
    assert_eq!(edges.lines().count(), n_edges + 1);
    assert!(edges.lines().skip(1).all(|line| line.split('\t').count() == 16));
    assert!(edges.lines().skip(1).all(|line| line.ends_with("\tf00d")));
    let nodes = text(&|out| write_nodes_tsv(out, &network, "f00d").unwrap());
    assert_eq!(nodes.lines().count(), network.nodes.len() + 1);
    let groups = text(&|out| write_communities_tsv(out, &network, "f00d").unwrap());
    assert!(groups.lines().count() > network.communities.len());
    let sif = text(&|out| write_sif(out, &network).unwrap());
    assert_eq!(sif.lines().filter(|line| line.contains("\tmimic\t")).count(), n_edges);
    let n_alone = network.nodes.iter().filter(|node| node.degree == 0).count();
    assert_eq!(sif.lines().filter(|line| !line.contains('\t')).count(), n_alone);
    let xml = text(&|out| write_graphml(out, &network, &source()).unwrap());
    assert_eq!(xml.matches("<edge ").count(), n_edges);
    assert_eq!(xml.matches("<node ").count(), network.nodes.len());
    assert!(xml.contains("c &lt;&amp;&gt;") && xml.contains(">f00d</data>"), "{xml:.600}");
}

#[test]
fn the_ready_index_joins_subunits_of_one_complex() {
    let ready = Path::new(env!("CARGO_MANIFEST_DIR")).join("index/cancer-viability");
    let index = Index::open(&ready).unwrap();
    let picture = std::fs::read_to_string(ready.with_file_name("mediator.svg")).unwrap();
    let fingerprint = &index.manifest().fingerprint;
    assert!(picture.contains(fingerprint), "draw index/mediator.svg again, as the README says");
    let network = index.network(&NetworkQuery::default()).unwrap();
    let has = |a: &str, b: &str| {
        network.joined().any(|(edge, ends)| {
            let names = ends.map(|node| node.record.name());
            edge.similarity > 0.0 && (names == [a, b] || names == [b, a])
        })
    };
    assert!(has("MED23", "MED24") && has("TADA2B", "TAF5L") && has("TSC1", "TSC2"));
}

#[test]
fn known_pairs_are_counted_as_by_hand() {
    // Of ten pairs a tail holds one: (3, 4) is the nearest, (0, 1) the farthest; (0, 4) is the fifth.
    let order = [(3, 4), (2, 4), (2, 3), (1, 4), (0, 4), (1, 3), (1, 2), (0, 3), (0, 2), (0, 1)];
    let rank = |i, j| order.iter().position(|pair| *pair == (i, j)).unwrap();
    let by_rank = AllPairs::new(5, |i, j| 1.0 - rank(i, j) as f32 / 9.0).unwrap();
    let turned = AllPairs::new(5, |i, j| rank(i, j) as f32).unwrap();
    let task = NetworkTask::new("known", vec![7, 8, 9, 10, 11], [(3, 4), (0, 1), (0, 4)]).unwrap();
    let methods = [("turned".to_owned(), turned), ("own".to_owned(), by_rank)];
    let report = evaluate_network(&task, &methods, &Bootstrap::default()).unwrap();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    let own = report.methods[1].metrics.map(|estimate| estimate.value);
    let auprc = (1.0 + 2.0 / 5.0 + 3.0 / 10.0) / 3.0;
    [2.0 / 3.0, 1.0 / 3.0, 0.3, 0.3, auprc].iter().zip(own).for_each(|(a, b)| close(*a, b));
    let turned = report.methods[0].metrics.map(|estimate| estimate.value);
    // The other way round they rank first, sixth and tenth.
    close(turned[4], (1.0 + 2.0 / 6.0 + 3.0 / 10.0) / 3.0);
    close(report.differences[0].metrics[2].value, own[4] - turned[4]);
    let other = AllPairs::new(4, |_, _| 0.0).unwrap();
    let refused = evaluate_network(&task, &[("four".to_owned(), other)], &Bootstrap::default());
    assert!(refused.unwrap_err().to_string().contains("is of 4 genes"));
}
