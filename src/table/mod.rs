//! Files become typed rows and matrices: the only translator between outside and inside.
//!
//! Takes paths and column names as users know them (CMap, DepMap, HGNC, …); gives [`Measurements`]
//! (named profiles), the [`SampleSheet`] that says what samples measured, annotation rows in the field's nouns, name mappings and the provenance of each
//! [`InputFile`]. Text is comma, tab or semicolon separated, plain or gzip (told by content, not by
//! extension), with or without byte order mark, with LF or CRLF; CMap's matrices are read as GCT and GCTX, single cells as
//! AnnData or Parquet with lists; Parquet, NumPy arrays and AnnData are read and written. It knows neither recipes nor normalisation. `csv`, `flate2`, `calamine`,
//! `parquet`, `npyz`, `hdf5_reader`, `rust_hdf5` and `chematic` (structures) are used here and nowhere else.

mod annotation;
mod cmap;
mod features;
mod file_form;
mod filter;
mod gene;
mod h5ad;
mod hdf5;
mod input;
mod known_columns;
mod labels;
mod lists;
mod long;
mod mapping;
mod matrix;
mod measurements;
mod name;
mod npy_file;
mod number;
mod parquet_file;
mod query_list;
mod sample;
mod signature;
#[cfg(feature = "structures")]
mod structure;
mod text;
mod value;
mod wanted;
mod write;

pub use annotation::{AnnotationColumns, AnnotationRow, read_annotations};
pub use cmap::{GctFile, GctxFile, GctxSelection};
pub use features::{FeatureTable, read_features};
pub use file_form::{FileForm, TableForm, TableShape, file_form, known_format, table_writing};
pub use filter::{Bound, RowFilter};
pub use gene::{GeneNames, GeneResolution, GeneSet, excel_date, holds_gene_sets, read_gene_sets};
pub use h5ad::{
    H5adFile, H5adForm, H5adLayout, H5adPart, H5adSelection, H5adWriter, ObsColumn, ValuesForm,
};
pub use input::{FileState, InputFile};
pub use known_columns::KnownColumns;
pub use labels::{Label, read_gene_pairs, read_labels, read_ranked_edges};
pub use lists::{ListsFile, ListsForm, ListsPart, ListsRead, ListsSelection, Shards};
pub use long::{LongColumns, read_long};
pub use mapping::{NameChain, NameMapping, NameMeanings, Unnamed, read_mapping};
pub use matrix::{Orientation, RowNames, read_matrix};
pub use measurements::{Duplicates, Measurements};
pub use name::{close_names, compound_key, identifier_key, is_missing, lookup_key};
pub use npy_file::NpyMatrix;
pub use parquet_file::ParquetTable;
pub use query_list::{NameList, Pair, PairTable, parse_query_list, read_query_list};
pub use sample::{AgentNames, Agents, Condition, Pattern};
pub use sample::{SampleColumns, SampleSheet, SampleValues, read_sample_sheet};
pub use signature::{SignatureTable, read_signature};
#[cfg(feature = "structures")]
pub use structure::{FINGERPRINT_BITS, Fingerprint};
pub use text::{Rows, TextFormat, TextWriting, Writing};
pub use value::{Value, ValueType};
pub use wanted::{LeftOut, SampleKey, Wanted};
pub use write::{write_matrix, write_table};
