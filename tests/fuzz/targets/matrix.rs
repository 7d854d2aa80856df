#![no_main]
//! Matrices: wide text and Parquet, NumPy, GCT, GCTX and AnnData, with the sample sheets in them.

use libfuzzer_sys::fuzz_target;
use phenocopy::table::{
    AgentNames, GctFile, GctxFile, H5adFile, H5adPart, Orientation, Pattern, SampleColumns,
    TextFormat, Wanted, read_matrix,
};

fuzz_target!(|bytes: &[u8]| {
    // Columns of the fixtures.
    let [Ok(context), Ok(of_cmap), Ok(of_cells)] =
        ["cells", "{pert_iname} {cell_id}", "{condition}"].map(Pattern::parse)
    else {
        return;
    };
    let columns = |perturbation| SampleColumns {
        id: Some("id"),
        context: &context,
        perturbation,
        agents: AgentNames::default(),
        filters: &[],
    };
    phenocopy_fuzz::with_file(bytes, |path| {
        for orientation in [Orientation::ReadoutRows, Orientation::PerturbationRows] {
            let _ = read_matrix(path, TextFormat::Detect, orientation, None, Wanted::ALL);
        }
        if let Ok(file) = GctFile::open(path) {
            let _ = file.sample_sheet(columns(&of_cmap));
            let _ = file.read(None, Wanted::ALL);
        }
        if let Ok(file) = GctxFile::open(path, None) {
            let _ = file.sample_sheet(columns(&of_cmap));
            let _ = file.select(Wanted::ALL).for_each_sample(|_, _| Ok(()));
        }
        if let Ok(file) = H5adFile::open(path, H5adPart::default()) {
            let _ = file.sample_sheet(columns(&of_cells));
            let _ = file.select(Wanted::ALL).map(|chosen| chosen.for_each_sample(|_| Ok(())));
        }
    });
});
