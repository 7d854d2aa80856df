//! CMap's matrices: GCT (text) and GCTX (HDF5).
//!
//! Takes a file; gives the names of its samples and readouts, the sample sheet in its metadata, and its values. It knows
//! CMap's layouts, and HDF5 only by its door.

mod gct;
mod gctx;

pub use gct::GctFile;
pub use gctx::{GctxFile, GctxSelection};
