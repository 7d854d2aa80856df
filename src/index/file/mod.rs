//! The layout of our own files: named sections of plain little-endian numbers behind checksums.
//!
//! ```text
//! header, 64 bytes   magic · format version · byte-order mark · kind · section count · table's place and xxh3 · header's xxh3
//! sections           each aligned to 64 bytes: f32, u32 or bytes
//! section table      64 bytes each: name · type · place · length · xxh3
//! ```
//!
//! The header is written last, so a file whose writing was cut short has none. Opening maps the
//! file and checks header, table and every section's bounds; up to [`FULL_CHECK_BYTES`] it checks
//! every section's content too. Beyond, [`SectionFile::verify`] does so on request.

mod layout;
mod reader;
mod writer;

pub use layout::{FORMAT_VERSION, FULL_CHECK_BYTES};
pub use reader::SectionFile;
pub use writer::SectionWriter;
