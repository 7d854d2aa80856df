use std::path::Path;

use bytemuck::{Pod, Zeroable};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};

/// The newest format this program reads, and the one it writes.
pub const FORMAT_VERSION: u32 = 1;

/// Files up to this size are checked whole whenever they are opened: 16 MB take about 2 ms.
pub const FULL_CHECK_BYTES: u64 = 16 << 20;

pub(super) const MAGIC: [u8; 8] = *b"PHENOCPY";
pub(super) const BYTE_ORDER: u32 = 0x0102_0304;
pub(super) const ALIGNMENT: u64 = 64;
/// More sections than any file of ours has: a larger count is damage, not data.
pub(super) const MAX_SECTIONS: u32 = 1024;

#[derive(Debug, Clone, Copy, Zeroable, Pod)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: u32,
    pub(super) byte_order: u32,
    pub(super) kind: [u8; 16],
    pub(super) n_sections: u32,
    pub(super) reserved: u32,
    pub(super) table_offset: u64,
    pub(super) table_checksum: u64,
    pub(super) checksum: u64,
}

impl Header {
    pub(super) fn expected_checksum(&self) -> u64 {
        xxh3_64(bytemuck::bytes_of(&Self { checksum: 0, ..*self }))
    }
}

#[derive(Debug, Clone, Copy, Zeroable, Pod)]
#[repr(C)]
pub(super) struct Section {
    pub(super) name: [u8; 24],
    pub(super) element: u32,
    pub(super) reserved: u32,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) checksum: u64,
    pub(super) padding: u64,
}

pub(super) const HEADER_BYTES: usize = size_of::<Header>();
pub(super) const SECTION_BYTES: usize = size_of::<Section>();

/// What a section is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Element {
    Bytes = 0,
    F32 = 1,
    U32 = 2,
}

pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Error {
    Error::Damaged {
        path: path.to_path_buf(),
        problem: problem.into(),
        advice: "rebuild the index with `phenocopy build`, or restore the file".to_owned(),
    }
}

pub(super) fn padded<const N: usize>(name: &str) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match bytes.get_mut(..name.len()) {
        Some(start) if !name.is_empty() => start.copy_from_slice(name.as_bytes()),
        _ => return Err(naming_problem(name, &format!("does not have 1 to {N} bytes"))),
    }
    Ok(bytes)
}

pub(super) fn naming_problem(name: &str, problem: &str) -> Error {
    Error::data(format!("section `{name}`"), problem, "choose another name")
}

pub(super) fn text_of(name: &[u8]) -> String {
    let len = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(&name[..len]).into_owned()
}
