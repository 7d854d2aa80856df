#![no_main]
//! Matrices: wide text and Parquet, NumPy, GCT, GCTX and AnnData.

use libfuzzer_sys::fuzz_target;
use phenocopy::table::{
    GctFile, GctxFile, H5adFile, H5adPart, Orientation, TextFormat, Wanted, read_matrix,
};

fuzz_target!(|bytes: &[u8]| {
    phenocopy_fuzz::with_file(bytes, |path| {
        for orientation in [Orientation::ReadoutRows, Orientation::PerturbationRows] {
            let _ = read_matrix(path, TextFormat::Detect, orientation, None, Wanted::ALL);
        }
        let _ = GctFile::open(path).map(|file| file.read(None, Wanted::ALL));
        if let Ok(file) = GctxFile::open(path, None) {
            let _ = file.select(Wanted::ALL).for_each_sample(|_, _| ());
        }
        let _ = H5adFile::open(path, H5adPart::default());
    });
});
