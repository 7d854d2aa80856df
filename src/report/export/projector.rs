use std::io::{self, Write};

use super::columns::{write_header, write_known};
use super::description::{EntryWriter, Export};
use crate::search::Entry;

/// Perturbations as the Embedding Projector of TensorBoard loads them: a table of vectors without names, one of what its
/// rows are, and beside them a JSON document of where they come from.
pub struct EntryProjector<W: Write> {
    vectors: W,
    known: W,
    fingerprint: String,
}

impl<W: Write> EntryProjector<W> {
    /// Begins both tables, and writes the document whole.
    ///
    /// # Errors
    /// When an output cannot be written.
    pub fn new([vectors, mut known, mut facts]: [W; 3], export: &Export) -> io::Result<Self> {
        export.write_facts(&mut facts)?;
        facts.flush()?;
        write_header(&mut known)?;
        Ok(Self { vectors, known, fingerprint: export.source.fingerprint.clone() })
    }
}

impl<W: Write> EntryWriter for EntryProjector<W> {
    fn entry(&mut self, entry: &Entry<'_>, numbers: &[f32]) -> io::Result<()> {
        for (at, number) in numbers.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\t" };
            write!(self.vectors, "{separator}{number}")?;
        }
        writeln!(self.vectors)?;
        write_known(&mut self.known, entry, &self.fingerprint)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.known.flush()?;
        self.vectors.flush()
    }
}
