use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytemuck::Pod;
use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64;

use super::layout::{
    ALIGNMENT, BYTE_ORDER, Element, FORMAT_VERSION, FULL_CHECK_BYTES, HEADER_BYTES, Header, MAGIC,
    MAX_SECTIONS, SECTION_BYTES, Section, damaged, padded, text_of,
};
use crate::error::{Error, Result};

/// A memory-mapped file of sections.
///
/// Sections are read in place: what is never looked at is never read from the disk.
#[derive(Debug)]
pub struct SectionFile {
    path: PathBuf,
    map: Mmap,
    sections: Vec<Section>,
}

impl SectionFile {
    /// Opens a file of the given kind and checks it (see the module's head for how far).
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::NewerFormat`] when a newer phenocopy wrote it,
    /// [`Error::Damaged`] when anything does not fit.
    pub fn open(path: impl AsRef<Path>, kind: &str) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let file = File::open(&path).map_err(Error::io("read", &path))?;
        let n_bytes = file.metadata().map_err(Error::io("read", &path))?.len();
        if n_bytes < HEADER_BYTES as u64 {
            return Err(damaged(&path, format!("{n_bytes} bytes are too few for a header")));
        }
        let map = map_file(&file, &path)?;
        let header = read_header(&map, kind, &path)?;
        let sections = read_table(&map, &header, &path)?;
        let opened = Self { path, map, sections };
        if n_bytes <= FULL_CHECK_BYTES {
            opened.verify()?;
        }
        Ok(opened)
    }

    /// Checks the content of every section against its checksum.
    ///
    /// # Errors
    /// [`Error::Damaged`] naming the first section that differs.
    pub fn verify(&self) -> Result<()> {
        for section in &self.sections {
            if xxh3_64(self.slice(section)) != section.checksum {
                let name = text_of(&section.name);
                return Err(damaged(&self.path, format!("the bytes of `{name}` were changed")));
            }
        }
        Ok(())
    }

    /// Returns where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the size of the file in bytes.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Returns the names of the sections, in the order of writing.
    pub fn section_names(&self) -> impl Iterator<Item = String> + '_ {
        self.sections.iter().map(|section| text_of(&section.name))
    }

    /// Returns whether there is a section of this name.
    #[must_use]
    pub fn has_section(&self, name: &str) -> bool {
        padded(name).is_ok_and(|name| self.sections.iter().any(|section| section.name == name))
    }

    /// Returns a section of f32.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing or holds something else.
    pub fn section_f32(&self, name: &str) -> Result<&[f32]> {
        self.numbers(name, Element::F32)
    }

    /// Returns a section of u32.
    ///
    /// # Errors
    /// As [`section_f32`](Self::section_f32).
    pub fn section_u32(&self, name: &str) -> Result<&[u32]> {
        self.numbers(name, Element::U32)
    }

    /// Returns a section of bytes, starting at an address that is a multiple of 64.
    ///
    /// # Errors
    /// As [`section_f32`](Self::section_f32).
    pub fn section_bytes(&self, name: &str) -> Result<&[u8]> {
        self.numbers(name, Element::Bytes)
    }

    /// Returns [`Error::Damaged`] for this file.
    pub(crate) fn damaged(&self, problem: impl Into<String>) -> Error {
        damaged(&self.path, problem)
    }

    /// Returns where a section of u32 lies, for [`u32_at`](Self::u32_at).
    pub(crate) fn place_u32(&self, name: &str) -> Result<Range<usize>> {
        let section = self.find(name, Element::U32)?;
        Ok(section.offset as usize..section.offset.saturating_add(section.len) as usize)
    }

    /// Returns the numbers at a place found before: no search by name in a hot path.
    #[inline]
    pub(crate) fn u32_at(&self, place: &Range<usize>) -> &[u32] {
        let bytes = self.map.get(place.clone()).unwrap_or_default();
        bytemuck::try_cast_slice(bytes).unwrap_or_default()
    }

    fn numbers<T: Pod>(&self, name: &str, element: Element) -> Result<&[T]> {
        let section = self.find(name, element)?;
        bytemuck::try_cast_slice(self.slice(section))
            .map_err(|problem| self.damaged(format!("section `{name}`: {problem}")))
    }

    fn find(&self, name: &str, element: Element) -> Result<&Section> {
        let padded: [u8; 24] = padded(name)?;
        self.sections
            .iter()
            .find(|section| section.name == padded && section.element == element as u32)
            .ok_or_else(|| self.damaged(format!("it has no {element:?} section `{name}`")))
    }

    /// The bounds were checked by `read_table`; a section that lied is empty, not a panic.
    fn slice(&self, section: &Section) -> &[u8] {
        let end = section.offset.saturating_add(section.len);
        self.map.get(section.offset as usize..end as usize).unwrap_or_default()
    }
}

/// Maps a file for reading.
#[allow(unsafe_code)]
fn map_file(file: &File, path: &Path) -> Result<Mmap> {
    // SAFETY: phenocopy never writes into a finished file: it builds a new one beside it and
    // renames, so the mapped bytes stay as they are. If someone else edits them in place, the
    // readers stay in bounds because every length and id is checked before it is used.
    unsafe { Mmap::map(file) }.map_err(Error::io("read", path))
}

fn read_header(map: &[u8], kind: &str, path: &Path) -> Result<Header> {
    let header: Header = map
        .get(..HEADER_BYTES)
        .map(bytemuck::pod_read_unaligned)
        .ok_or_else(|| damaged(path, "the header is cut off"))?;
    if header.magic != MAGIC {
        return Err(damaged(path, "it does not begin as a file of phenocopy does"));
    }
    if header.byte_order != BYTE_ORDER {
        return Err(damaged(path, "its byte order is not that of this machine"));
    }
    // First of all the version: a newer header may be checked in another way.
    if header.version > FORMAT_VERSION {
        let (expected, received) = (FORMAT_VERSION, header.version);
        return Err(Error::NewerFormat { path: path.to_path_buf(), expected, received });
    }
    if header.checksum != header.expected_checksum() {
        return Err(damaged(path, "the header was changed"));
    }
    let found = text_of(&header.kind);
    if found != kind {
        return Err(damaged(path, format!("it holds `{found}` where `{kind}` belongs")));
    }
    Ok(header)
}

fn read_table(map: &[u8], header: &Header, path: &Path) -> Result<Vec<Section>> {
    let n_sections = header.n_sections.min(MAX_SECTIONS) as usize;
    let end = header.table_offset.saturating_add((n_sections * SECTION_BYTES) as u64);
    if header.n_sections > MAX_SECTIONS || end != map.len() as u64 {
        let n_bytes = map.len();
        return Err(damaged(path, format!("it has {n_bytes} bytes where {end} were written")));
    }
    let table = map.get(header.table_offset as usize..end as usize).unwrap_or_default();
    if xxh3_64(table) != header.table_checksum {
        return Err(damaged(path, "the section table was changed"));
    }
    let sections: Vec<Section> =
        table.chunks_exact(SECTION_BYTES).map(bytemuck::pod_read_unaligned).collect();
    for section in &sections {
        let end = section.offset.checked_add(section.len);
        if end.is_none_or(|end| end > header.table_offset) || section.offset % ALIGNMENT != 0 {
            let name = text_of(&section.name);
            return Err(damaged(path, format!("section `{name}` lies outside the file")));
        }
    }
    Ok(sections)
}
