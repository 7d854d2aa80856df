#![no_main]
//! Tables of rows, whatever they are written in: text, gzip, Parquet, Excel.

use libfuzzer_sys::fuzz_target;
use phenocopy::table::{
    KnownColumns, NameList, file_form, read_features, read_gene_pairs, read_gene_sets, read_labels,
    read_query_list, read_signature,
};

fuzz_target!(|bytes: &[u8]| {
    phenocopy_fuzz::with_file(bytes, |path| {
        let _ = file_form(path);
        let _ = read_features(path);
        let _ = read_labels(path);
        let _ = read_gene_pairs(path);
        let _ = read_gene_sets(path);
        let _ = read_signature(path, None);
        let _ = KnownColumns::find(path);
        let _ = read_query_list(&NameList::parse(&path.to_string_lossy()));
    });
});
