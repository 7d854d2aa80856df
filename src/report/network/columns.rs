use crate::report::columns::Description;
use crate::report::hit_columns::TYPES;
use crate::table::ValueType::{Float32, Float64, Int32, Text};

const POSITIVE: &str = "1 to the number of communities";

/// The columns of edges, in their stable order.
pub(in crate::report) const EDGE_COLUMNS: [Description; 16] = [
    Description::new("source", Text, "", "unique symbol of one end, such as CRISPR-KO_BCL2"),
    Description::new("target", Text, "", "unique symbol of the other end"),
    Description::new("source_name", Text, "", "display name of one end"),
    Description::new("target_name", Text, "", "display name of the other end"),
    Description::new("source_type", Text, TYPES, "type of one end, as CMap names it"),
    Description::new("target_type", Text, TYPES, "type of the other end"),
    Description::new("direction", Text, "mimic, oppose", "whether the ends act alike"),
    Description::new("similarity", Float32, "-1 to 1", "cosine of the whitened vectors"),
    Description::new(
        "z",
        Float64,
        "",
        "similarity standardised by what either end has with others",
    ),
    Description::new(
        "pvalue",
        Float64,
        "0 to 1",
        "chance of a z as far from the centre, either way",
    ),
    Description::new("qvalue", Float64, "0 to 1", "false discovery rate over all pairs tested"),
    Description::new(
        "support",
        Text,
        "a/b",
        "contexts of either end whose profile alone puts the other in its nearest (or farthest) twentieth, of those measured",
    ),
    Description::new("known", Int32, "0, 1", "whether the annotation links the ends already"),
    Description::new("source_community", Int32, POSITIVE, "community of one end, the largest is 1"),
    Description::new("target_community", Int32, POSITIVE, "community of the other end"),
    Description::new("index", Text, "", "fingerprint of the index"),
];

/// The columns of directed edges, in their stable order.
pub(in crate::report) const DIRECTED_COLUMNS: [Description; 14] = [
    Description::new("source", Text, "", "unique symbol of the perturbation, such as OE_TP53"),
    Description::new("target", Text, "", "symbol of the readout gene that responds"),
    Description::new("source_name", Text, "", "display name of the perturbation"),
    Description::new("target_name", Text, "", "display name of the readout gene"),
    Description::new("source_type", Text, TYPES, "type of the perturbation, as CMap names it"),
    Description::new("source_gene", Text, "", "HGNC symbol of a genetic perturbation"),
    Description::new("effect", Text, "raises, lowers", "what the readout does; the sign of z"),
    Description::new(
        "response",
        Float64,
        "-1 to 1",
        "predicted response, centred over readouts and over its side, of length 1 over readouts",
    ),
    Description::new(
        "z",
        Float64,
        "",
        "response standardised by readout over the type, then by perturbation",
    ),
    Description::new(
        "pvalue",
        Float64,
        "0 to 1",
        "chance of a z as far from the centre, either way",
    ),
    Description::new(
        "qvalue",
        Float64,
        "0 to 1",
        "false discovery rate over all pairs tested of the type",
    ),
    Description::new(
        "support",
        Text,
        "a/b",
        "contexts of the perturbation in which this is predicted to be among its strongest twentieth, of those measured",
    ),
    Description::new(
        "self",
        Int32,
        "0, 1",
        "whether the readout is the perturbed gene; such pairs are not among those tested",
    ),
    Description::new("index", Text, "", "fingerprint of the index"),
];

/// The columns of nodes, in their stable order.
pub(in crate::report) const NODE_COLUMNS: [Description; 9] = [
    Description::new("node", Text, "", "unique symbol, as in the columns source and target"),
    Description::new("name", Text, "", "display name"),
    Description::new("type", Text, TYPES, "type, as CMap names it"),
    Description::new("gene", Text, "", "HGNC symbol of a genetic perturbation"),
    Description::new("degree", Int32, "0 or more", "edges in the whole network"),
    Description::new("community", Int32, POSITIVE, "its community, empty of none"),
    Description::new("moa", Text, "", "mechanisms, several joined by |"),
    Description::new("targets", Text, "", "genes that it acts on, several joined by |"),
    Description::new("index", Text, "", "fingerprint of the index"),
];

/// The columns of communities, in their stable order.
pub(in crate::report) const COMMUNITY_COLUMNS: [Description; 11] = [
    Description::new("community", Int32, POSITIVE, "the community, the largest is 1"),
    Description::new("n_nodes", Int32, "3 or more", "its members"),
    Description::new("members", Text, "", "their symbols, joined by |"),
    Description::new("kind", Text, "moa, target", "what members share"),
    Description::new("mechanism", Text, "", "the mechanism, or the gene that they act on"),
    Description::new("n_sharing", Int32, "2 or more", "members that are annotated with it"),
    Description::new("n_annotated", Int32, "3 or more", "nodes that are"),
    Description::new(
        "pvalue",
        Float64,
        "0 to 1",
        "share of perturbations without the annotation around which as many nodes hold as many of it",
    ),
    Description::new(
        "qvalue",
        Float64,
        "0 to 1",
        "false discovery rate over communities and classes",
    ),
    Description::new(
        "rank",
        Int32,
        "1 or more",
        "place among what the community shares, the surest 1",
    ),
    Description::new("index", Text, "", "fingerprint of the index"),
];
