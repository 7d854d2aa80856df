#![no_main]
//! An index of which one file is damaged: the first byte chooses the file, the others stand in its place.

use std::fs;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use phenocopy::index::Index;
use phenocopy::search::Query;

const FILES: [&str; 7] = [
    "manifest.json",
    "embeddings.bin",
    "records.bin",
    "graph-chemical.bin",
    "graph-genetic.bin",
    "calibration.bin",
    "fold-in.bin",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, damage)) = bytes.split_first() else { return };
    let Ok(folder) = tempfile::tempdir() else { return };
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/index-v1-calibrated");
    if copy(&whole, folder.path()).is_none() {
        return;
    }
    let file: PathBuf = folder.path().join(FILES[usize::from(*choice) % FILES.len()]);
    if fs::write(file, damage).is_err() {
        return;
    }
    if let Ok(index) = Index::open(folder.path()) {
        let _ = index.search(&Query::new("compound 0"));
        let _ = index.verify();
    }
});

fn copy(from: &Path, to: &Path) -> Option<()> {
    fs::create_dir_all(to).ok()?;
    for entry in fs::read_dir(from).ok()? {
        let entry = entry.ok()?;
        let target = to.join(entry.file_name());
        if entry.file_type().ok()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).ok()?;
        }
    }
    Some(())
}
