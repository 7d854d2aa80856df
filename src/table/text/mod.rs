//! Tables of text, and what is read like them: Parquet and the first sheet of an Excel workbook.
//!
//! Takes a path; gives its [`Rows`] front to back, whatever the file's compression, separator, byte order mark or line
//! ends ([`TextWriting`]). The doors of `calamine` ([`workbook`]) and, beside other files of `table/`, of `csv` and `flate2`.

mod line_end;
mod rows;
mod workbook;
mod writing;

pub(super) use line_end::UnixLines;
pub use rows::Rows;
pub(super) use rows::{ARCHIVES, GZIP, broken_stream, find_column, open_text, whole_file};
pub use writing::{TextFormat, TextWriting, Writing};
