//! Networks become files: edges, nodes and communities as tables, GraphML, SIF, a picture, or an overview to read.

mod columns;
mod directed;
mod graphml;
mod overview;
mod picture;
mod tables;

pub(super) use columns::{COMMUNITY_COLUMNS, DIRECTED_COLUMNS, EDGE_COLUMNS, NODE_COLUMNS};
pub use directed::{write_directed_overview, write_directed_sif, write_directed_tsv};
pub use graphml::{write_directed_graphml, write_graphml};
pub use overview::write_network_overview;
pub use picture::network_picture;
pub use tables::{write_communities_tsv, write_edges_tsv, write_nodes_tsv, write_sif};
