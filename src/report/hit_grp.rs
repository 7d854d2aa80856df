use std::collections::HashSet;
use std::io::{self, Write};

use super::tsv::single_line;
use super::{HitWriter, Source};
use crate::search::Answer;

/// The names of hits, each once and one a line, as other tools read sets (GRP); comments say where they come from.
#[derive(Debug)]
pub struct HitGrp<W> {
    out: W,
    source: Source,
    written: HashSet<String>,
}

impl<W: Write> HitGrp<W> {
    /// Creates a writer.
    pub fn new(out: W, source: Source) -> Self {
        Self { out, source, written: HashSet::new() }
    }
}

impl<W: Write> HitWriter for HitGrp<W> {
    fn begin(&mut self) -> io::Result<()> {
        let Source { index, fingerprint, command, .. } = &self.source;
        writeln!(self.out, "# {}", single_line(command))?;
        writeln!(self.out, "# index {index} {fingerprint}")
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        for hit in &answer.hits {
            let name = single_line(hit.record.name());
            if self.written.insert(name.clone()) {
                writeln!(self.out, "{name}")?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
