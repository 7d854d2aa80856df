use super::line::{Line, PANEL, clear, n_panels};
use super::slots::Slots;
use crate::model::training::Block;

/// Values that go through the layers together: their activations stay in the second-level cache.
pub(super) const TILE: usize = 128;
/// A tile of a full block is this many pairs × 8 readouts, so that few partial sums leave it.
const PAIRS: usize = 16;
const READOUTS: usize = TILE / PAIRS;

/// Some measured values of a block, and the network's activations on them.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) entries: Vec<Entry>,
    /// The pairs of the entries, positions in the block.
    pub(super) pairs: Vec<u32>,
    /// The readouts of the entries, positions in the block.
    pub(super) readouts: Vec<u32>,
    /// Per layer: outputs, panel after panel of [`TILE`] lines; the last turns into its own gradient.
    pub(super) hidden: Vec<Vec<Line>>,
    /// Per layer between the first and the last: the gradient of its sums, laid out alike.
    pub(super) deltas: Vec<Vec<Line>>,
    /// Panel after panel of [`TILE`] lines: the first layer's gradient, summed per pair and per readout.
    pub(super) pair_sums: Vec<Line>,
    pub(super) readout_sums: Vec<Line>,
    /// Gradients of the biases of all later layers and of the output's weights, panel after panel.
    pub(super) bias_sums: Vec<Line>,
    pub(super) output_sums: Vec<Line>,
    pub(super) output_bias_sum: f32,
    /// Sum of squared errors.
    pub(super) loss: f64,
}

/// A measured value; positions in its tile's lists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) pair: u32,
    pub(super) readout: u32,
    pub(super) value: f32,
}

impl Tile {
    fn new(widths: &[usize]) -> Self {
        let lines = |width: &usize| vec![Line::ZERO; n_panels(*width) * TILE];
        let n_later: usize = widths.iter().skip(1).map(|width| n_panels(*width)).sum();
        let (first, last) = (widths.first().copied(), widths.last().copied());
        let between = |(layer, width)| {
            let is_between = layer > 0 && layer + 1 < widths.len();
            if is_between { lines(width) } else { Vec::new() }
        };
        Self {
            entries: Vec::with_capacity(TILE),
            pairs: Vec::with_capacity(TILE),
            readouts: Vec::with_capacity(TILE),
            hidden: widths.iter().map(lines).collect(),
            deltas: widths.iter().enumerate().map(between).collect(),
            pair_sums: lines(&first.unwrap_or(0)),
            readout_sums: lines(&first.unwrap_or(0)),
            bias_sums: vec![Line::ZERO; n_later],
            output_sums: vec![Line::ZERO; n_panels(last.unwrap_or(0))],
            output_bias_sum: 0.0,
            loss: 0.0,
        }
    }

    fn begin(&mut self) {
        self.entries.clear();
        self.pairs.clear();
        self.readouts.clear();
        let n_lines = self.bias_sums.len();
        clear(&mut self.bias_sums, n_lines);
        let n_lines = self.output_sums.len();
        clear(&mut self.output_sums, n_lines);
        (self.output_bias_sum, self.loss) = (0.0, 0.0);
    }
}

/// The tiles of a step; those of earlier, larger steps are kept for later ones.
#[derive(Debug)]
pub(super) struct Tiles {
    tiles: Vec<Tile>,
    n_used: usize,
    widths: Vec<usize>,
    pairs: Slots,
    readouts: Slots,
}

impl Tiles {
    pub(super) fn new(widths: &[usize]) -> Self {
        let (pairs, readouts) = (Slots::default(), Slots::default());
        Self { tiles: Vec::new(), n_used: 0, widths: widths.to_vec(), pairs, readouts }
    }

    pub(super) fn used(&self) -> &[Tile] {
        &self.tiles[..self.n_used]
    }

    pub(super) fn used_mut(&mut self) -> &mut [Tile] {
        &mut self.tiles[..self.n_used]
    }

    /// Cuts the measured values of a block into tiles of at most [`TILE`], rectangle by rectangle.
    pub(super) fn cut(&mut self, block: &Block) {
        let (n_pairs, n_readouts) = (block.pairs.len(), block.readouts.len());
        if self.pairs.capacity() < n_pairs || self.readouts.capacity() < n_readouts {
            (self.pairs, self.readouts) = (Slots::new(n_pairs), Slots::new(n_readouts));
        }
        self.n_used = 0;
        let mut is_full = true;
        for first_pair in (0..n_pairs).step_by(PAIRS) {
            for first_readout in (0..n_readouts).step_by(READOUTS) {
                for pair in first_pair..n_pairs.min(first_pair + PAIRS) {
                    for readout in first_readout..n_readouts.min(first_readout + READOUTS) {
                        let value = block.values[pair * n_readouts + readout];
                        if value.is_nan() {
                            continue;
                        }
                        if is_full {
                            self.begin_tile();
                        }
                        is_full = self.push(pair as u32, readout as u32, value);
                    }
                }
            }
        }
        self.end_tile();
    }

    fn begin_tile(&mut self) {
        self.end_tile();
        if self.n_used == self.tiles.len() {
            self.tiles.push(Tile::new(&self.widths));
        }
        self.tiles[self.n_used].begin();
        self.n_used += 1;
        self.pairs.begin();
        self.readouts.begin();
    }

    fn end_tile(&mut self) {
        if let Some(tile) = self.n_used.checked_sub(1).and_then(|last| self.tiles.get_mut(last)) {
            tile.pairs.extend_from_slice(self.pairs.items());
            tile.readouts.extend_from_slice(self.readouts.items());
        }
    }

    /// Adds a value to the last tile and returns whether that is full now.
    fn push(&mut self, pair: u32, readout: u32, value: f32) -> bool {
        let entry =
            Entry { pair: self.pairs.number(pair), readout: self.readouts.number(readout), value };
        let Some(tile) = self.tiles.get_mut(self.n_used - 1) else { return true };
        tile.entries.push(entry);
        tile.entries.len() == TILE
    }
}

/// Returns a panel of a layer's lines in a tile.
#[inline(always)]
pub(super) fn panel(lines: &[Line], panel: usize) -> &[Line] {
    &lines[panel * TILE..(panel + 1) * TILE]
}

/// Returns a panel of a layer's lines in a tile.
#[inline(always)]
pub(super) fn panel_mut(lines: &mut [Line], panel: usize) -> &mut [Line] {
    &mut lines[panel * TILE..(panel + 1) * TILE]
}

const _: () = assert!(TILE.is_multiple_of(PANEL));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_hold_every_measured_value_once() {
        let value = |i: usize| if i.is_multiple_of(3) { f32::NAN } else { i as f32 };
        let block = Block {
            pairs: (0..37).map(|i| (i, 0)).collect(),
            readouts: (0..21).collect(),
            values: (0..37 * 21).map(value).collect(),
        };
        let mut tiles = Tiles::new(&[32]);
        for _ in 0..2 {
            tiles.cut(&block);
            let mut found: Vec<usize> = Vec::new();
            for tile in tiles.used() {
                assert!(tile.entries.len() <= TILE);
                for entry in &tile.entries {
                    let (pair, readout) =
                        (tile.pairs[entry.pair as usize], tile.readouts[entry.readout as usize]);
                    let at = pair as usize * 21 + readout as usize;
                    assert_eq!(entry.value.to_bits(), value(at).to_bits());
                    found.push(at);
                }
            }
            found.sort_unstable();
            let expected: Vec<usize> =
                (0..37 * 21_usize).filter(|i| !i.is_multiple_of(3)).collect();
            assert_eq!(found, expected);
        }
    }
}
