//! What a hit shows, as rkyv archives: the only door to rkyv.
//!
//! Each record is an archive of its own behind a table of their ends, so that a search validates just
//! the records it shows and opening does not grow with the number of rows.

use std::path::Path;

use rkyv::rancor::Failure;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};

use super::file::{SectionFile, SectionWriter};
use crate::error::{Error, Result};
use crate::experiment::{Annotation, Perturbation, PerturbationType, Side};

const ALIGNMENT: usize = 16;

/// What the index knows of one perturbation, beside its vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The perturbation; its symbol is unique in an index.
    pub perturbation: Perturbation,
    /// Names, identifiers, targets and mechanism. For a gene, the mechanism classes are those of
    /// the index's compounds annotated with it, the most frequent first.
    pub annotation: Annotation,
    /// Names of compounds of the index annotated with this gene, the most selective first; empty for compounds.
    pub targeted_by: Vec<String>,
    /// Contexts in which the perturbation was measured.
    pub contexts: Vec<String>,
}

impl Record {
    /// Returns the name people read, the agent where no other is known.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = &self.annotation.name;
        if name.is_empty() { self.perturbation.agent() } else { name }
    }

    /// Returns the gene of a genetic perturbation.
    #[must_use]
    pub fn gene(&self) -> Option<&str> {
        (self.perturbation.side() == Side::Genetic).then(|| self.perturbation.agent())
    }

    /// Returns the genes this perturbation acts on: a compound's targets, a genetic perturbation's gene.
    #[must_use]
    pub fn acts_on(&self) -> Vec<&str> {
        match self.gene() {
            Some(gene) => vec![gene],
            None => self.annotation.targets.iter().map(|target| target.0.as_str()).collect(),
        }
    }

    /// Returns whether the annotation already links the two: they act on a gene in common.
    #[must_use]
    pub fn is_known_with(&self, other: &Self) -> bool {
        let genes = other.acts_on();
        self.acts_on().iter().any(|gene| genes.contains(gene))
    }
}

/// The archived layout of format version 1; frozen, a change makes a `RecordV2`.
#[derive(Archive, Serialize, Deserialize)]
struct RecordV1 {
    perturbation_type: String,
    agent: String,
    name: String,
    synonyms: Vec<String>,
    identifiers: Vec<String>,
    targets: Vec<String>,
    moas: Vec<String>,
    phase: String,
    indications: Vec<String>,
    inchi_key: String,
    smiles: String,
    description: String,
    targeted_by: Vec<String>,
    contexts: Vec<String>,
}

impl From<&Record> for RecordV1 {
    fn from(record: &Record) -> Self {
        let annotation = &record.annotation;
        Self {
            perturbation_type: record.perturbation.perturbation_type().cmap_code().to_owned(),
            agent: record.perturbation.agent().to_owned(),
            name: annotation.name.clone(),
            synonyms: annotation.synonyms.clone(),
            identifiers: annotation.identifiers.clone(),
            targets: annotation.targets.iter().map(|target| target.0.clone()).collect(),
            moas: annotation.moas.iter().map(|moa| moa.0.clone()).collect(),
            phase: annotation.phase.clone(),
            indications: annotation.indications.clone(),
            inchi_key: annotation.inchi_key.clone(),
            smiles: annotation.smiles.clone(),
            description: annotation.description.clone(),
            targeted_by: record.targeted_by.clone(),
            contexts: record.contexts.clone(),
        }
    }
}

impl RecordV1 {
    fn into_record(self) -> Option<Record> {
        let perturbation_type = PerturbationType::parse(&self.perturbation_type)?;
        Some(Record {
            perturbation: Perturbation::new(perturbation_type, self.agent),
            annotation: Annotation {
                name: self.name,
                synonyms: self.synonyms,
                identifiers: self.identifiers,
                targets: self.targets.into_iter().map(crate::experiment::Target).collect(),
                moas: self.moas.into_iter().map(crate::experiment::Moa).collect(),
                phase: self.phase,
                indications: self.indications,
                inchi_key: self.inchi_key,
                smiles: self.smiles,
                description: self.description,
            },
            targeted_by: self.targeted_by,
            contexts: self.contexts,
        })
    }
}

/// Writes `records.bin`: one archive per row and a table of where each ends.
///
/// # Errors
/// When the file cannot be written, or the archives exceed 4 GiB.
pub(super) fn write_records(path: &Path, records: &[Record]) -> Result<()> {
    let mut ends = Vec::with_capacity(records.len());
    let mut archives = AlignedVec::<ALIGNMENT>::new();
    for record in records {
        let archive = rkyv::to_bytes::<Failure>(&RecordV1::from(record))
            .map_err(Error::engine("rkyv", "write a record"))?;
        // An archive starts aligned and its root lies at its end, so the padding goes before it.
        archives.resize(archives.len().next_multiple_of(ALIGNMENT), 0);
        archives.extend_from_slice(&archive);
        let end = u32::try_from(archives.len()).map_err(|_| {
            Error::data("records", "they exceed 4 GiB", "split the index or shorten annotations")
        })?;
        ends.push(end);
    }
    let mut writer = SectionWriter::create(path, "records")?;
    writer.section_u32("ends", &ends)?;
    writer.section_bytes("archives", &archives)?;
    writer.finish()
}

/// The records of an open index.
#[derive(Debug)]
pub struct Records {
    file: SectionFile,
}

impl Records {
    /// Opens `records.bin` and validates the archives of a file small enough to be checked whole.
    ///
    /// # Errors
    /// When the file is missing, damaged, of a newer format, or does not hold `n_rows` records.
    pub fn open(path: &Path, n_rows: usize) -> Result<Self> {
        let records = Self { file: SectionFile::open(path, "records")? };
        let found = records.file.section_u32("ends")?.len();
        if found != n_rows {
            return Err(records.damaged(format!("{found} records for {n_rows} vectors")));
        }
        Ok(records)
    }

    /// Returns the record of a row.
    ///
    /// # Errors
    /// When the row is outside the index or its archive does not validate.
    pub fn record(&self, row: u32) -> Result<Record> {
        let archive = self.archive(row).ok_or_else(|| self.damaged(format!("no record {row}")))?;
        let archived = rkyv::access::<ArchivedRecordV1, Failure>(archive)
            .map_err(|_| self.damaged(format!("record {row} is not valid")))?;
        rkyv::deserialize::<RecordV1, Failure>(archived)
            .ok()
            .and_then(RecordV1::into_record)
            .ok_or_else(|| self.damaged(format!("record {row} has an unknown perturbation type")))
    }

    fn archive(&self, row: u32) -> Option<&[u8]> {
        let ends = self.file.section_u32("ends").ok()?;
        let previous = (row as usize).checked_sub(1).and_then(|row| ends.get(row));
        let start = previous.map_or(0, |end| (*end as usize).next_multiple_of(ALIGNMENT));
        let end = *ends.get(row as usize)? as usize;
        self.file.section_bytes("archives").ok()?.get(start..end)
    }

    /// Verifies checksums and every record.
    ///
    /// # Errors
    /// When a checksum differs or a record does not validate.
    pub fn verify(&self) -> Result<()> {
        self.file.verify()?;
        let n_rows = self.file.section_u32("ends")?.len() as u32;
        (0..n_rows).try_for_each(|row| self.record(row).map(drop))
    }

    fn damaged(&self, problem: String) -> Error {
        Error::Damaged {
            path: self.file.path().to_path_buf(),
            problem,
            advice: super::REBUILD.to_owned(),
        }
    }
}
