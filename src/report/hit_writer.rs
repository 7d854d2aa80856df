use std::io;

use crate::search::Answer;

/// Writes answers one by one, in one format.
pub trait HitWriter {
    /// Writes what comes before the first answer.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn begin(&mut self) -> io::Result<()>;

    /// Writes one answer.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn answer(&mut self, answer: &Answer) -> io::Result<()>;

    /// Takes note of a query that could not be answered; formats without a place for it say nothing.
    fn unanswered(&mut self, _asked: &str, _reason: &str) {}

    /// Writes what comes after the last answer and flushes.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}
