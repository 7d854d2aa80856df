use std::io::{self, Write};

use crate::network::{Edge, Network, NetworkNode};
use crate::report::columns::significant;
use crate::report::tsv::write_line;

const EDGE_COLUMNS: [&str; 16] = [
    "source",
    "target",
    "source_name",
    "target_name",
    "source_type",
    "target_type",
    "direction",
    "similarity",
    "z",
    "pvalue",
    "qvalue",
    "support",
    "known",
    "source_community",
    "target_community",
    "index",
];
const NODE_COLUMNS: [&str; 9] =
    ["node", "name", "type", "gene", "degree", "community", "moa", "targets", "index"];
const COMMUNITY_COLUMNS: [&str; 11] = [
    "community",
    "n_nodes",
    "members",
    "kind",
    "mechanism",
    "n_sharing",
    "n_annotated",
    "pvalue",
    "qvalue",
    "rank",
    "index",
];

/// Returns what an edge means: `mimic` or `oppose`.
pub(super) fn direction(edge: &Edge) -> &'static str {
    if edge.similarity < 0.0 { "oppose" } else { "mimic" }
}

/// Returns a number as outputs write it; nothing of one that is not known.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() { String::new() } else { significant(value) }
}

/// Returns `a/b`: contexts that agree, of those measured; nothing where they are not known.
pub(super) fn support(edge: &Edge) -> String {
    edge.support.map_or(String::new(), |s| format!("{}/{}", s.agreeing, s.measured))
}

pub(super) fn community(node: &NetworkNode) -> String {
    // People count from one.
    node.community.map_or(String::new(), |number| (number + 1).to_string())
}

/// Writes edges as tab-separated values with a header line, those that are least due to chance first; communities count
/// from 1 and are empty of nodes in none; the last column names the index by its fingerprint.
///
/// # Errors
/// When the output cannot be written.
pub fn write_edges_tsv(
    out: &mut dyn Write,
    network: &Network,
    fingerprint: &str,
) -> io::Result<()> {
    write_line(out, EDGE_COLUMNS.iter().map(|name| (*name).to_owned()))?;
    for (edge, [a, b]) in network.joined() {
        let is_known = a.record.is_known_with(&b.record);
        let cells = [
            a.record.perturbation.symbol(),
            b.record.perturbation.symbol(),
            a.record.name().to_owned(),
            b.record.name().to_owned(),
            type_code(a).to_owned(),
            type_code(b).to_owned(),
            direction(edge).to_owned(),
            number(f64::from(edge.similarity)),
            number(edge.z),
            number(edge.p_value),
            number(edge.q_value),
            support(edge),
            u8::from(is_known).to_string(),
            community(a),
            community(b),
            fingerprint.to_owned(),
        ];
        write_line(out, cells.into_iter())?;
    }
    out.flush()
}

pub(super) fn type_code(node: &NetworkNode) -> &'static str {
    node.record.perturbation.perturbation_type().cmap_code()
}

/// Writes nodes, those without edges too, as tab-separated values with a header line.
///
/// # Errors
/// When the output cannot be written.
pub fn write_nodes_tsv(
    out: &mut dyn Write,
    network: &Network,
    fingerprint: &str,
) -> io::Result<()> {
    write_line(out, NODE_COLUMNS.iter().map(|name| (*name).to_owned()))?;
    for node in &network.nodes {
        let annotation = &node.record.annotation;
        let moas: Vec<&str> = annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
        let targets: Vec<&str> = annotation.targets.iter().map(|t| t.0.as_str()).collect();
        let cells = [
            node.record.perturbation.symbol(),
            node.record.name().to_owned(),
            type_code(node).to_owned(),
            node.record.gene().unwrap_or_default().to_owned(),
            node.degree.to_string(),
            community(node),
            moas.join("|"),
            targets.join("|"),
            fingerprint.to_owned(),
        ];
        write_line(out, cells.into_iter())?;
    }
    out.flush()
}

/// Writes communities and each mechanism or target that two of their members share, the surest first, a row for each; of a
/// community that shares none one row.
///
/// # Errors
/// When the output cannot be written.
pub fn write_communities_tsv(
    out: &mut dyn Write,
    network: &Network,
    fingerprint: &str,
) -> io::Result<()> {
    write_line(out, COMMUNITY_COLUMNS.iter().map(|name| (*name).to_owned()))?;
    for (at, community) in network.communities.iter().enumerate() {
        let symbols = network.members(community).map(|node| node.record.perturbation.symbol());
        let own = [
            (at + 1).to_string(),
            community.nodes.len().to_string(),
            symbols.collect::<Vec<_>>().join("|"),
        ];
        let shared = community.mechanisms.iter().enumerate().map(|(rank, shared)| {
            [
                shared.kind.name().to_owned(),
                shared.name.clone(),
                shared.n_sharing.to_string(),
                shared.n_annotated.to_string(),
                number(shared.p_value),
                number(shared.q_value),
                (rank + 1).to_string(),
            ]
        });
        let mut shared: Vec<[String; 7]> = shared.collect();
        if shared.is_empty() {
            shared.push(Default::default());
        }
        for shared in shared {
            let cells = own.iter().cloned().chain(shared).chain([fingerprint.to_owned()]);
            write_line(out, cells)?;
        }
    }
    out.flush()
}

/// Writes Cytoscape's simple interaction format: `source<TAB>mimic|oppose<TAB>target`, and nodes without edges alone.
///
/// # Errors
/// When the output cannot be written.
pub fn write_sif(out: &mut dyn Write, network: &Network) -> io::Result<()> {
    for (edge, ends) in network.joined() {
        let [a, b] = ends.map(|node| node.record.perturbation.symbol());
        write_line(out, [a, direction(edge).to_owned(), b].into_iter())?;
    }
    for node in network.nodes.iter().filter(|node| node.degree == 0) {
        write_line(out, std::iter::once(node.record.perturbation.symbol()))?;
    }
    out.flush()
}
