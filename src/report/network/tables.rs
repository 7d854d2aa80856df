use std::io::{self, Write};

use super::columns::{COMMUNITY_COLUMNS, EDGE_COLUMNS, NODE_COLUMNS};
use crate::network::{Edge, Network, NetworkNode};
use crate::report::columns::{Description, significant};
use crate::report::tsv::write_line;
use crate::search::Support;

/// Returns what an edge means: `mimic` or `oppose`.
pub(super) fn direction(edge: &Edge) -> &'static str {
    if edge.similarity < 0.0 { "oppose" } else { "mimic" }
}

/// Returns `a/b`: contexts that agree, of those measured; nothing where they are not known.
pub(super) fn support(support: Option<Support>) -> String {
    support.map_or(String::new(), |s| format!("{}/{}", s.agreeing, s.measured))
}

pub(super) fn community(node: &NetworkNode) -> String {
    // People count from one.
    node.community.map_or(String::new(), |number| (number + 1).to_string())
}

pub(super) fn write_header(out: &mut dyn Write, columns: &[Description]) -> io::Result<()> {
    write_line(out, columns.iter().map(|column| column.name.to_owned()))
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
    write_header(out, &EDGE_COLUMNS)?;
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
            significant(f64::from(edge.similarity)),
            significant(edge.z),
            significant(edge.p_value),
            significant(edge.q_value),
            support(edge.support),
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
    write_header(out, &NODE_COLUMNS)?;
    for node in &network.nodes {
        let moas: Vec<&str> =
            node.record.annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
        let cells = [
            node.record.perturbation.symbol(),
            node.record.name().to_owned(),
            type_code(node).to_owned(),
            node.record.gene().unwrap_or_default().to_owned(),
            node.degree.to_string(),
            community(node),
            moas.join("|"),
            node.record.acts_on().join("|"),
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
    write_header(out, &COMMUNITY_COLUMNS)?;
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
                significant(shared.p_value),
                significant(shared.q_value),
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
