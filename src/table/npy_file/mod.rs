//! NumPy arrays, both ways: the only door to the crate `npyz`.
//!
//! A matrix whose rows a table beside it names becomes [`Measurements`](super::Measurements); rows of numbers become a
//! matrix.

mod read;
mod write;

pub(super) use read::{is_npy, read_npy};
pub use write::NpyMatrix;
