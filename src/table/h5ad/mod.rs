//! AnnData files (`.h5ad`): cells or pseudo-bulk profiles × genes, and what is known of both.
//!
//! Takes a file that anndata 0.7 or later wrote; gives the sample sheet that its `obs` columns are, and its rows one after
//! another, with the sum of all their values (a cell's depth). The matrix may be dense, CSR or CSC, of whole or
//! floating-point numbers, compressed by gzip, by lzf or not. It knows the encoding of AnnData, and HDF5 only by its door. `write` makes such files, row by row: the only door to
//! `rust_hdf5`.

mod file;
mod form;
mod frame;
mod selection;
mod sparse;
mod values;
mod write;

pub use file::{H5adFile, H5adPart};
pub use form::{H5adForm, ObsColumn, ValuesForm};
pub use selection::H5adSelection;
pub use write::{H5adLayout, H5adWriter};
