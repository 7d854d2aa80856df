//! HDF5 files: the only place that knows the crate which reads them.
//!
//! Takes a path and the names of objects in the file; gives texts, attributes, and matrices and arrays whose
//! numbers are read piece by piece. Nothing is held but what is asked for. It knows no format made of HDF5.

mod array;
mod element;
mod error;
mod file;
mod lzf;
mod matrix;

pub(super) use array::Hdf5Array;
pub(super) use file::{Hdf5, Node};
pub(super) use matrix::Hdf5Matrix;
