//! What an index holds, for other programs: one file per form.
//!
//! Takes [`Entry`](crate::search::Entry)s and numbers of each (its vector, or its predicted response), one after another,
//! and an [`Export`] that says what they are; writes Parquet, NumPy, the tables of TensorBoard's projector, or AnnData.
//! Every form names the index and the command.

mod columns;
mod description;
mod h5ad;
mod npy;
mod parquet_table;
mod projector;

pub(super) use description::{EXPORT_FACTS, export_columns};
pub use description::{EntryWriter, Export, ExportedNumbers};
pub use h5ad::EntryH5ad;
pub use npy::EntryNpy;
pub use parquet_table::EntryParquet;
pub use projector::EntryProjector;
