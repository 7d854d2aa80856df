use std::path::Path;
use std::sync::Arc;

use super::build::GraphParameters;
use super::graph::{FlatGraph, Layer};
use super::links::{Links, Words};
use crate::error::Result;
use crate::index::file::{SectionFile, SectionWriter};

const KIND: &str = "graph";
/// The section of a large graph's vectors at half the width.
const HALF: &str = "half vectors";
/// More layers than hnsw_rs makes.
const MAX_LAYERS: u32 = 16;

impl FlatGraph {
    /// Writes the graph to a file of its own.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = SectionWriter::create(path, KIND)?;
        self.write_sections(&mut writer)?;
        writer.finish()
    }

    /// Opens a graph that [`save`](Self::save) wrote; its links stay in the file and are walked there.
    ///
    /// # Errors
    /// As [`SectionFile::open`], and when the sections contradict one another.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::from_sections(&Arc::new(SectionFile::open(path, KIND)?))
    }

    /// Writes the graph's sections into a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_sections(&self, writer: &mut SectionWriter) -> Result<()> {
        let GraphParameters { max_neighbours, ef_construction } = self.parameters;
        let counts = [self.n_rows, self.n_nodes, self.dim, max_neighbours, ef_construction];
        let mut shape: Vec<u32> = counts.iter().map(|count| *count as u32).collect();
        shape.extend([self.entry, self.upper.len() as u32]);
        writer.section_u32("shape", &shape)?;
        writer.section_u32("links", self.base.words.as_slice())?;
        writer.section_u32("duplicates", self.next_duplicate.as_slice())?;
        if let Some(half) = &self.half {
            writer.section_u32(HALF, half.as_slice())?;
        }
        for (level, layer) in (1..).zip(&self.upper) {
            writer.section_u32(&format!("layer {level} rows"), layer.rows.as_slice())?;
            writer.section_u32(&format!("layer {level} below"), layer.below.as_slice())?;
            writer.section_u32(&format!("layer {level} links"), layer.links.words.as_slice())?;
        }
        Ok(())
    }

    /// Reads the graph's sections where they lie; the graph keeps the file open.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) when the sections contradict one another.
    pub fn from_sections(file: &Arc<SectionFile>) -> Result<Self> {
        let shape = file.section_u32("shape")?;
        let &[n_rows, n_nodes, dim, max_neighbours, ef_construction, entry, n_layers] = shape
        else {
            return Err(file.damaged("`shape` does not hold seven numbers"));
        };
        let parameters = GraphParameters {
            max_neighbours: max_neighbours as usize,
            ef_construction: ef_construction as usize,
        };
        let known = parameters.check().is_ok() && n_layers <= MAX_LAYERS;
        if !known || entry >= n_rows || n_nodes > n_rows || dim == 0 {
            return Err(file.damaged("`shape` contradicts itself"));
        }
        let n_rows = n_rows as usize;
        let n_halved = n_rows.saturating_mul(dim as usize / 2);
        let has_half = file.has_section(HALF) && dim.is_multiple_of(2);
        let n_duplicates = if n_nodes as usize == n_rows { 0 } else { n_rows };
        Ok(Self {
            n_rows,
            n_nodes: n_nodes as usize,
            dim: dim as usize,
            parameters,
            entry,
            base: links(file, "links", n_rows, 2 * parameters.max_neighbours)?,
            upper: (1..=n_layers)
                .map(|level| layer(file, level, parameters.max_neighbours))
                .collect::<Result<_>>()?,
            next_duplicate: Words::mapped(file, "duplicates", n_duplicates)?,
            half: has_half.then(|| Words::mapped(file, HALF, n_halved)).transpose()?,
        })
    }
}

fn layer(file: &Arc<SectionFile>, level: u32, stride: usize) -> Result<Layer> {
    let rows = format!("layer {level} rows");
    let n_nodes = file.section_u32(&rows)?.len();
    Ok(Layer {
        rows: Words::mapped(file, &rows, n_nodes)?,
        below: Words::mapped(file, &format!("layer {level} below"), n_nodes)?,
        links: links(file, &format!("layer {level} links"), n_nodes, stride)?,
    })
}

fn links(file: &Arc<SectionFile>, name: &str, n_nodes: usize, stride: usize) -> Result<Links> {
    let expected = n_nodes.saturating_mul(stride);
    Ok(Links { stride, words: Words::mapped(file, name, expected)? })
}
