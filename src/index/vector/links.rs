use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::index::file::SectionFile;

/// No neighbour: the filling of lists shorter than their slots.
pub(super) const NONE: u32 = u32::MAX;

/// An array of u32 in memory or in a mapped section.
#[derive(Debug, Clone)]
pub(super) enum Words {
    Memory(Vec<u32>),
    Mapped { file: Arc<SectionFile>, place: Range<usize> },
}

impl Words {
    pub(super) fn mapped(file: &Arc<SectionFile>, name: &str, expected: usize) -> Result<Self> {
        let found = file.section_u32(name)?.len();
        if found != expected {
            return Err(file.damaged(format!("`{name}` has {found} numbers, not {expected}")));
        }
        Ok(Self::Mapped { file: Arc::clone(file), place: file.place_u32(name)? })
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        match self {
            Self::Memory(words) => words,
            Self::Mapped { file, place } => file.u32_at(place),
        }
    }
}

/// Neighbour lists of one length, `n × stride`, padded with [`NONE`].
#[derive(Debug, Clone)]
pub(super) struct Links {
    pub(super) stride: usize,
    pub(super) words: Words,
}

impl Links {
    pub(super) fn view(&self) -> LinkView<'_> {
        LinkView { stride: self.stride, words: self.words.as_slice() }
    }
}

/// [`Links`] resolved to one slice for the length of a walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct LinkView<'a> {
    stride: usize,
    words: &'a [u32],
}

impl<'a> LinkView<'a> {
    pub(super) fn new(stride: usize, words: &'a [u32]) -> Self {
        Self { stride, words }
    }

    /// Returns the neighbours of `node` up to the first free slot; none for a node that does not exist.
    #[inline(always)]
    pub(super) fn of(self, node: u32) -> impl Iterator<Item = u32> + 'a {
        self.slots(node).iter().copied().take_while(|neighbour| *neighbour != NONE)
    }

    /// Returns all slots of `node`, free ones included.
    #[inline(always)]
    pub(super) fn slots(self, node: u32) -> &'a [u32] {
        let start = node as usize * self.stride;
        self.words.get(start..start + self.stride).unwrap_or_default()
    }
}
