use std::path::Path;

use super::fields::{Fields, register_tokenizers};
use crate::error::{Error, Result};
use crate::index::record::Record;

const WRITER_BYTES: usize = 64_000_000;

/// Writes the folder `metadata/`: one document per record, one segment.
///
/// # Errors
/// When tantivy cannot write.
pub(in crate::index) fn write_metadata(folder: &Path, records: &[Record]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let failed =
        |operation: &str| Error::engine("tantivy", format!("{operation} `{}`", folder.display()));
    let (schema, fields) = Fields::schema();
    let index = tantivy::Index::create_in_dir(folder, schema).map_err(failed("create"))?;
    register_tokenizers(&index);
    let mut writer =
        index.writer_with_num_threads(1, WRITER_BYTES).map_err(failed("open a writer for"))?;
    for (row, record) in records.iter().enumerate() {
        writer.add_document(fields.document(row, record)).map_err(failed("write"))?;
    }
    writer.commit().map_err(failed("commit"))?;
    let segments = index.searchable_segment_ids().map_err(failed("list"))?;
    if segments.len() > 1 {
        writer.merge(&segments).wait().map_err(failed("merge"))?;
    }
    writer.wait_merging_threads().map_err(failed("finish"))?;
    drop(index);
    remove_locks(folder)
}

/// tantivy leaves its lock files behind; a finished index is read-only and needs none.
fn remove_locks(folder: &Path) -> Result<()> {
    for name in [".tantivy-writer.lock", ".tantivy-meta.lock"] {
        let path = folder.join(name);
        if path.exists() {
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    Ok(())
}
