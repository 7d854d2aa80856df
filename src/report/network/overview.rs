use std::io::{self, Write};

use super::tables::{direction, support};
use crate::experiment::Side;
use crate::network::{Community, Network, NetworkNode, PairSummary};
use crate::report::Source;
use crate::report::aligned::{Aligned, shorten};
use crate::report::hit_table::small;

/// Members of a community that are named.
const MEMBERS_SHOWN: usize = 12;
/// Communities of which members are named.
const COMMUNITIES_SHOWN: usize = 10;
/// Shared mechanisms up to this q-value are told.
const SURE: f64 = 0.05;

/// Writes what a network holds, for a terminal: pairs tested, the `k` strongest edges, the largest communities.
///
/// # Errors
/// When the output cannot be written.
pub fn write_network_overview(
    out: &mut dyn Write,
    network: &Network,
    source: &Source,
    (k, width): (usize, u16),
) -> io::Result<()> {
    let columns = usize::from(width);
    for kind in &network.tested {
        writeln!(out, "{}", shorten(&tested(kind), columns))?;
    }
    writeln!(out)?;
    let rows = network.joined().take(k).map(|(edge, ends)| {
        let [a, b] = ends.map(|node| node.record.name().to_owned());
        let q = small(Some(edge.q_value).filter(|q| !q.is_nan()));
        let similarity = format!("{:+.3}", edge.similarity);
        vec![
            a,
            b,
            direction(edge).to_owned(),
            similarity,
            format!("{:+.1}", edge.z),
            q,
            support(edge.support),
        ]
    });
    let header = vec!["node", "other", "direction", "similarity", "z", "q", "contexts"];
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        Aligned { header, rows, numbers: vec![3, 4, 5, 6], n_flexible: 2, cut_last: None }
            .write(out, width)?;
    }
    let n_communities = network.communities.len();
    if n_communities > 0 {
        writeln!(
            out,
            "\n{n_communities} {}",
            if n_communities == 1 { "community" } else { "communities" }
        )?;
    }
    for (at, community) in network.communities.iter().take(COMMUNITIES_SHOWN).enumerate() {
        writeln!(out, "{}", shorten(&members(network, community, at), columns))?;
        let sure = community.mechanisms.iter().filter(|shared| shared.q_value <= SURE).take(3);
        for shared in sure {
            let line = format!(
                "     {} {}: {} of {} are in it (q {})",
                shared.kind.name(),
                shared.name,
                shared.n_sharing,
                shared.n_annotated,
                small(Some(shared.q_value))
            );
            writeln!(out, "{}", shorten(&line, columns))?;
        }
    }
    writeln!(out, "\nindex {} {}", source.index, source.fingerprint)?;
    out.flush()
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Chemical => "compound",
        Side::Genetic => "gene",
    }
}

fn tested(kind: &PairSummary) -> String {
    let [a, b] = kind.sides.map(side);
    format!("{} of {} pairs {a}-{b} are edges", kind.n_edges, kind.n_tested)
}

fn members(network: &Network, community: &Community, at: usize) -> String {
    let mut nodes: Vec<&NetworkNode> = network.members(community).collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.degree));
    let shown: Vec<&str> =
        nodes.iter().take(MEMBERS_SHOWN).map(|node| node.record.name()).collect();
    let n_more = nodes.len().saturating_sub(MEMBERS_SHOWN);
    let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
    format!("{:>3}  {}{more}", at + 1, shown.join(" "))
}
