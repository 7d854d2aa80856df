//! Pictures of figures, as SVG: reliability, rank curves, what more data buys.

pub(super) mod picture;
mod reliability;
mod retrieval;
mod scaling;

pub use reliability::reliability_plot;
pub use retrieval::retrieval_plot;
pub use scaling::scaling_plot;
