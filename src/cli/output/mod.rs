//! Where results go: stdout, a file that appears whole, or one that grows and can be gone on with.

mod destination;
mod form;
mod resumable;

pub(crate) use destination::is_watched;
#[cfg(feature = "download")]
pub(crate) use destination::stage;
pub(crate) use destination::{
    MOST_LISTED, OutputArguments, command_line, complain, discard_staged, fill_by_path,
    fill_together, listed, width,
};
pub(crate) use form::{Form, Format, ListFormat, ReportFormat};
pub(crate) use resumable::ResumableOutput;
