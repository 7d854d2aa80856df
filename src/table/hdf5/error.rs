use std::path::Path;

use crate::error::{Error, Result};
use crate::table::text::whole_file;

pub(super) const REWRITE: &str = "write the file again, as cmapPy, h5py or anndata does";

/// Returns whether nothing of the kind that was asked for lies at a path.
pub(super) fn is_absent(error: &hdf5_reader::error::Error) -> bool {
    use hdf5_reader::error::Error as E;
    match error {
        E::Context { source, .. } => is_absent(source),
        other => matches!(other, E::DatasetNotFound(_) | E::GroupNotFound(_)),
    }
}

/// Says what is wrong with a file, or with the part of it that was asked for.
pub(super) fn hdf5_error(path: &Path, part: &str, error: hdf5_reader::error::Error) -> Error {
    use hdf5_reader::error::Error as E;
    match error {
        E::Io(source) => Error::io("read", path)(source),
        E::Context { source, .. } => hdf5_error(path, part, *source),
        E::InvalidMagic => {
            let advice = "correct the path or the `layout` in the recipe";
            whole_file(path, "an HDF5 file", "a file of another kind", advice)
        }
        E::DatasetNotFound(_) | E::GroupNotFound(_) => {
            let advice = "check that it is of this format";
            whole_file(path, format!("`{part}` in the file"), "none", advice)
        }
        E::UnsupportedFilter(filter) => {
            let advice = "write the file again with gzip compression";
            whole_file(path, "compression by gzip or lzf", filter, advice)
        }
        other => {
            let advice = "fetch or write the file again";
            let received = format!("a damaged or truncated one ({part}: {other})");
            whole_file(path, "a whole HDF5 file", received, advice)
        }
    }
}

/// Refuses a part of a file that has more or fewer values than belong to it.
pub(super) fn refuse_other_than(path: &Path, part: &str, n: usize, received: usize) -> Result<()> {
    if received == n {
        return Ok(());
    }
    let advice = "the file is damaged: fetch or write it again";
    Err(whole_file(path, format!("{n} values in `{part}`"), received.to_string(), advice))
}
