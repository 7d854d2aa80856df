//! GraphML, which networkx, igraph, Cytoscape, Gephi and yEd read: the only door to `quick_xml`.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::tables::{community, direction, support, type_code};
use crate::network::directed::{DirectedEdge, DirectedNetwork};
use crate::network::{Edge, Network, NetworkNode};
use crate::report::{Source, significant};

/// Attributes: identifier, what has it, name, type.
const GRAPH_KEYS: [[&str; 4]; 3] = [
    ["g0", "graph", "index", "string"],
    ["g1", "graph", "fingerprint", "string"],
    ["g2", "graph", "command", "string"],
];
const NODE_KEYS: [[&str; 4]; 5] = [
    ["n0", "node", "name", "string"],
    ["n1", "node", "type", "string"],
    ["n2", "node", "gene", "string"],
    ["n3", "node", "community", "int"],
    ["n4", "node", "moa", "string"],
];
const EDGE_KEYS: [[&str; 4]; 6] = [
    ["e0", "edge", "weight", "double"],
    ["e1", "edge", "similarity", "double"],
    ["e2", "edge", "direction", "string"],
    ["e3", "edge", "z", "double"],
    ["e4", "edge", "pvalue", "double"],
    ["e5", "edge", "qvalue", "double"],
];

const DIRECTED_NODE_KEYS: [[&str; 4]; 3] = [
    ["n0", "node", "name", "string"],
    ["n1", "node", "type", "string"],
    ["n2", "node", "gene", "string"],
];
const DIRECTED_EDGE_KEYS: [[&str; 4]; 8] = [
    ["e0", "edge", "weight", "double"],
    ["e1", "edge", "effect", "string"],
    ["e2", "edge", "response", "double"],
    ["e3", "edge", "z", "double"],
    ["e4", "edge", "pvalue", "double"],
    ["e5", "edge", "qvalue", "double"],
    ["e6", "edge", "support", "string"],
    ["e7", "edge", "self", "int"],
];

/// Writes a network as GraphML: nodes by symbol, edges with `weight` (the absolute similarity), the index it came from.
///
/// # Errors
/// When the output cannot be written.
pub fn write_graphml(out: &mut dyn Write, network: &Network, source: &Source) -> io::Result<()> {
    let keys = [&GRAPH_KEYS[..], &NODE_KEYS, &EDGE_KEYS];
    write_document(out, "undirected", &keys, source, &|xml| {
        for node in &network.nodes {
            let symbol = node.record.perturbation.symbol();
            write_node(xml, &symbol, &NODE_KEYS, &node_values(node))?;
        }
        for (edge, ends) in network.joined() {
            let [a, b] = ends.map(|node| node.record.perturbation.symbol());
            write_edge(xml, [&a, &b], &EDGE_KEYS, &edge_values(edge))?;
        }
        Ok(())
    })
}

/// Writes what perturbations do to readout genes as GraphML, edges from perturbation to readout with `weight` (the absolute
/// z); what has no edge is left out.
///
/// # Errors
/// When the output cannot be written.
pub fn write_directed_graphml(
    out: &mut dyn Write,
    network: &DirectedNetwork,
    source: &Source,
) -> io::Result<()> {
    let keys = [&GRAPH_KEYS[..], &DIRECTED_NODE_KEYS, &DIRECTED_EDGE_KEYS];
    write_document(out, "directed", &keys, source, &|xml| {
        for node in network.sources.iter().filter(|node| node.n_targets > 0) {
            let perturbation = &node.record.perturbation;
            let code = perturbation.perturbation_type().cmap_code();
            let values = [node.record.name(), code, node.record.gene().unwrap_or_default()];
            let values = values.map(str::to_owned);
            write_node(xml, &perturbation.symbol(), &DIRECTED_NODE_KEYS, &values)?;
        }
        for node in network.targets.iter().filter(|node| node.n_sources > 0) {
            let values = [&node.name, "readout", &node.symbol].map(str::to_owned);
            write_node(xml, &node.symbol, &DIRECTED_NODE_KEYS, &values)?;
        }
        for (edge, from, to) in network.joined() {
            let values = directed_values(edge);
            let from = from.record.perturbation.symbol();
            write_edge(xml, [&from, &to.symbol], &DIRECTED_EDGE_KEYS, &values)?;
        }
        Ok(())
    })
}

/// `dyn Write + 'a`: what is written to may borrow.
type Xml<'a> = Writer<&'a mut (dyn Write + 'a)>;

/// Writes the head with all keys, and within it a graph: the index it came from, then its nodes and edges.
fn write_document(
    out: &mut dyn Write,
    direction: &str,
    keys: &[&[[&str; 4]]],
    source: &Source,
    write_graph: &dyn Fn(&mut Xml<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(&mut *out, b' ', 1);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = xml.create_element("graphml");
    root.with_attribute(("xmlns", "http://graphml.graphdrawing.org/xmlns")).write_inner_content(
        |xml| {
            for [id, of, name, kind] in keys.iter().copied().flatten() {
                let key = xml.create_element("key").with_attributes([("id", *id), ("for", *of)]);
                key.with_attributes([("attr.name", *name), ("attr.type", *kind)]).write_empty()?;
            }
            let graph = xml.create_element("graph").with_attribute(("edgedefault", direction));
            graph.write_inner_content(|xml| {
                let values = [&source.index, &source.fingerprint, &source.command];
                write_data(xml, &GRAPH_KEYS, &values.map(String::clone))?;
                write_graph(xml)
            })?;
            Ok(())
        },
    )?;
    let out = xml.get_mut();
    writeln!(out)?;
    out.flush()
}

fn write_node(
    xml: &mut Xml<'_>,
    id: &str,
    keys: &[[&str; 4]],
    values: &[String],
) -> io::Result<()> {
    let element = xml.create_element("node").with_attribute(("id", id));
    element.write_inner_content(|xml| write_data(xml, keys, values))?;
    Ok(())
}

fn write_edge(
    xml: &mut Xml<'_>,
    [from, to]: [&str; 2],
    keys: &[[&str; 4]],
    values: &[String],
) -> io::Result<()> {
    let element = xml.create_element("edge").with_attributes([("source", from), ("target", to)]);
    element.write_inner_content(|xml| write_data(xml, keys, values))?;
    Ok(())
}

/// Writes the attributes that have a value.
fn write_data(xml: &mut Xml<'_>, keys: &[[&str; 4]], values: &[String]) -> io::Result<()> {
    for ([id, ..], value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
        let data = xml.create_element("data").with_attribute(("key", *id));
        data.write_text_content(BytesText::new(&printable(value)))?;
    }
    Ok(())
}

/// XML has no way to write most control characters.
fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

fn node_values(node: &NetworkNode) -> [String; 5] {
    let moas: Vec<&str> = node.record.annotation.moas.iter().map(|moa| moa.0.as_str()).collect();
    [
        node.record.name().to_owned(),
        type_code(node).to_owned(),
        node.record.gene().unwrap_or_default().to_owned(),
        community(node),
        moas.join("|"),
    ]
}

fn edge_values(edge: &Edge) -> [String; 6] {
    let similarity = f64::from(edge.similarity);
    [
        significant(similarity.abs()),
        significant(similarity),
        direction(edge).to_owned(),
        significant(edge.z),
        significant(edge.p_value),
        significant(edge.q_value),
    ]
}

fn directed_values(edge: &DirectedEdge) -> [String; 8] {
    [
        significant(edge.z.abs()),
        edge.effect().as_str().to_owned(),
        significant(edge.response),
        significant(edge.z),
        significant(edge.p_value),
        significant(edge.q_value),
        support(edge.support),
        u8::from(edge.is_self).to_string(),
    ]
}
