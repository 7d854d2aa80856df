use std::io;

use crate::search::PredictedProfile;

/// Writes predicted profiles, some at a time, in one format.
pub trait PredictedWriter {
    /// Writes what comes before the first profile.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn begin(&mut self) -> io::Result<()>;

    /// Writes some profiles.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn profiles(&mut self, profiles: &[PredictedProfile]) -> io::Result<()>;

    /// Writes what comes after the last profile and flushes.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}
