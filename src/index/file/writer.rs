use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytemuck::Zeroable;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::layout::{
    ALIGNMENT, BYTE_ORDER, Element, FORMAT_VERSION, HEADER_BYTES, Header, MAGIC, Section,
    naming_problem, padded, text_of,
};
use crate::error::{Error, Result};

/// Writes a file of sections, one after the other.
///
/// ```
/// use phenocopy::index::file::{SectionFile, SectionWriter};
///
/// let folder = tempfile::tempdir().map_err(phenocopy::Error::io("create", "a folder"))?;
/// let path = folder.path().join("numbers.bin");
/// let mut writer = SectionWriter::create(&path, "numbers")?;
/// writer.section_f32("values", &[0.5, 1.5])?;
/// writer.finish()?;
/// let file = SectionFile::open(&path, "numbers")?;
/// assert_eq!(file.section_f32("values")?, [0.5, 1.5]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug)]
pub struct SectionWriter {
    path: PathBuf,
    kind: [u8; 16],
    file: BufWriter<File>,
    position: u64,
    sections: Vec<Section>,
}

impl SectionWriter {
    /// Creates (or empties) the file at `path`; `kind` (at most 16 bytes) says what it holds.
    ///
    /// # Errors
    /// When the file cannot be created or `kind` is too long.
    pub fn create(path: impl AsRef<Path>, kind: &str) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let kind = padded(kind)?;
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut writer = Self { path, kind, file, position: 0, sections: Vec::new() };
        writer.write(&[0; HEADER_BYTES])?;
        Ok(writer)
    }

    /// Writes a section of f32.
    ///
    /// # Errors
    /// When the name is too long or taken, or the file cannot be written.
    pub fn section_f32(&mut self, name: &str, values: &[f32]) -> Result<()> {
        self.section(name, Element::F32, std::iter::once(bytemuck::cast_slice(values)))
    }

    /// Writes a section of f32 from pieces, for what does not fit in memory at once.
    ///
    /// # Errors
    /// As [`section_f32`](Self::section_f32).
    pub fn stream_f32<'a>(
        &mut self,
        name: &str,
        pieces: impl IntoIterator<Item = &'a [f32]>,
    ) -> Result<()> {
        self.section(name, Element::F32, pieces.into_iter().map(bytemuck::cast_slice))
    }

    /// Writes a section of u32.
    ///
    /// # Errors
    /// As [`section_f32`](Self::section_f32).
    pub fn section_u32(&mut self, name: &str, values: &[u32]) -> Result<()> {
        self.section(name, Element::U32, std::iter::once(bytemuck::cast_slice(values)))
    }

    /// Writes a section of bytes.
    ///
    /// # Errors
    /// As [`section_f32`](Self::section_f32).
    pub fn section_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.section(name, Element::Bytes, std::iter::once(bytes))
    }

    /// Writes the section table, then the header, and waits until the disk has them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.align()?;
        let table_offset = self.position;
        let table = bytemuck::cast_slice(&self.sections).to_vec();
        self.write(&table)?;
        let mut header = Header {
            magic: MAGIC,
            version: FORMAT_VERSION,
            byte_order: BYTE_ORDER,
            kind: self.kind,
            n_sections: self.sections.len() as u32,
            reserved: 0,
            table_offset,
            table_checksum: xxh3_64(&table),
            checksum: 0,
        };
        header.checksum = header.expected_checksum();
        let written = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(bytemuck::bytes_of(&header)))
            .and_then(|()| self.file.flush())
            .and_then(|()| self.file.get_ref().sync_all());
        written.map_err(Error::io("write", &self.path))
    }

    fn section<'a>(
        &mut self,
        name: &str,
        element: Element,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> Result<()> {
        let name: [u8; 24] = padded(name)?;
        if self.sections.iter().any(|section| section.name == name) {
            return Err(naming_problem(&text_of(&name), "is written twice"));
        }
        self.align()?;
        let offset = self.position;
        let mut hasher = Xxh3::new();
        for piece in pieces {
            hasher.update(piece);
            self.write(piece)?;
        }
        let (len, checksum) = (self.position - offset, hasher.digest());
        let element = element as u32;
        self.sections.push(Section { name, element, offset, len, checksum, ..Zeroable::zeroed() });
        Ok(())
    }

    fn align(&mut self) -> Result<()> {
        let padding = self.position.next_multiple_of(ALIGNMENT) - self.position;
        self.write(&[0; ALIGNMENT as usize][..padding as usize])
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}
