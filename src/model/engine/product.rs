use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::adam::{Clock, Table, Update};
use super::line::{Line, PANEL, clear, n_panels};
use super::multiply::{BLOCK, add_outer_products, multiply};
use super::noise::{Dropout, StepId};
use super::slots::Slots;
use super::state::State;
use super::tile::TILE;
use crate::model::bag::EmbeddingBag;
use crate::model::config::LpmConfig;
use crate::model::training::Block;

/// Which of a state's tensors is which.
const PERTURBATIONS: usize = 0;
const CONTEXTS: usize = 1;
const READOUTS: usize = 2;
const BIASES: usize = 3;

/// Trains ŷ = Σ_k zP_k · a(C)_k · zR_k + b(C): slices of the block's pairs meet all its readouts in one
/// matrix product each way.
#[derive(Debug)]
pub(super) struct ProductEngine {
    bag: Arc<EmbeddingBag>,
    dim: usize,
    dropout: f64,
    clock: Clock,
    /// Perturbations, contexts, readouts; then the biases, a line per context.
    tables: [Table; 4],
    slices: Vec<Slice>,
    readouts: ReadoutRows,
    readout_gradients: Vec<Line>,
    tokens: Slots,
    contexts: Slots,
    gradients: Vec<Line>,
    bias_gradients: Vec<Line>,
}

/// The readouts of a block, in both orders that products need.
#[derive(Debug, Default)]
struct ReadoutRows {
    /// Panel after panel of dimensions, a line per readout.
    by_dimension: Vec<Line>,
    /// Panel after panel of readouts, a line per dimension.
    by_readout: Vec<Line>,
    /// Readouts, rounded up to whole panels.
    height: usize,
}

/// Up to [`TILE`] pairs of a block.
#[derive(Debug, Default)]
struct Slice {
    /// Rows of the block.
    first: usize,
    n_rows: usize,
    /// zP, the dropout's factors, a(C) and their product, panel after panel of [`TILE`] lines.
    perturbations: Vec<Line>,
    factors: Vec<Line>,
    contexts: Vec<Line>,
    rows: Vec<Line>,
    biases: Vec<f32>,
    /// Errors, panel after panel of readouts.
    errors: Vec<Line>,
    /// Gradients of zP and of a(C), laid out like them, and of b(C).
    perturbation_gradients: Vec<Line>,
    context_gradients: Vec<Line>,
    bias_gradients: Vec<f32>,
    loss: f64,
}

impl ProductEngine {
    pub(super) fn new(config: &LpmConfig, bag: Arc<EmbeddingBag>, state: &State) -> Self {
        let dim = config.embedding_dim;
        let table = |at: usize, columns| Table::read(&state.tensors[at], columns, state.steps);
        Self {
            bag,
            dim,
            dropout: config.dropout,
            clock: Clock::new(state.steps, config.weight_decay),
            tables: [
                table(PERTURBATIONS, dim),
                table(CONTEXTS, dim),
                table(READOUTS, dim),
                table(BIASES, 1),
            ],
            slices: Vec::new(),
            readouts: ReadoutRows::default(),
            readout_gradients: Vec::new(),
            tokens: Slots::new(state.tensors[PERTURBATIONS].value.len() / dim),
            contexts: Slots::new(state.tensors[BIASES].value.len()),
            gradients: Vec::new(),
            bias_gradients: Vec::new(),
        }
    }

    /// Writes all weights and moments over those of a state of the same shape.
    pub(super) fn write(&mut self, state: &mut State) {
        for (at, table) in self.tables.iter_mut().enumerate() {
            table.catch_up_all(&self.clock);
            table.write(if at == BIASES { 1 } else { self.dim }, &mut state.tensors[at]);
        }
        state.steps = self.clock.steps;
    }

    /// Makes one AdamW step on a block and returns the sum of its squared errors before the step.
    pub(super) fn step(&mut self, block: &Block, learning_rate: f64, id: StepId) -> f64 {
        let n_values = block.n_values();
        let n_slices = block.pairs.len().div_ceil(TILE);
        if self.slices.len() < n_slices {
            self.slices.resize_with(n_slices, Slice::default);
        }
        self.gather(block, n_slices);
        let update = self.clock.tick(learning_rate);
        let error_scale = (2.0 / n_values.max(1) as f64) as f32;
        let (readouts, rate) = (&self.readouts, self.dropout);
        self.slices[..n_slices].par_iter_mut().enumerate().for_each(|(part, slice)| {
            let dropout = Dropout::new(rate, id, part as u64);
            Arch::new().dispatch(Pass { slice, block, readouts, dropout, error_scale });
        });
        self.sum_readout_gradients(n_slices);
        self.move_readouts(block, &update);
        self.move_perturbations(block, n_slices, &update);
        self.move_contexts(block, n_slices, &update);
        self.slices[..n_slices].iter().map(|slice| slice.loss).sum()
    }

    fn gather(&mut self, block: &Block, n_slices: usize) {
        let width = n_panels(self.dim);
        self.readouts.begin(block.readouts.len(), width);
        for (row, readout) in block.readouts.iter().enumerate() {
            self.readouts.set(row, self.tables[READOUTS].row(*readout as usize, &self.clock));
        }
        self.readouts.turn(width);
        for (at, slice) in self.slices[..n_slices].iter_mut().enumerate() {
            let first = at * TILE;
            slice.begin(first, (block.pairs.len() - first).min(TILE), width, self.readouts.height);
            let pairs = block.pairs.iter().skip(first).take(TILE);
            for (row, (perturbation, context)) in pairs.enumerate() {
                let tokens = self.bag.tokens(*perturbation as usize);
                for token in tokens {
                    let lines = self.tables[PERTURBATIONS].row(*token as usize, &self.clock);
                    for (panel, line) in lines.iter().enumerate() {
                        let share = 1.0 / tokens.len() as f32;
                        slice.perturbations[panel * TILE + row].add_scaled(line, share);
                    }
                }
                let lines = self.tables[CONTEXTS].row(*context as usize, &self.clock);
                for (panel, line) in lines.iter().enumerate() {
                    slice.contexts[panel * TILE + row] = *line;
                }
                slice.biases[row] = self.tables[BIASES].row(*context as usize, &self.clock)[0].0[0];
            }
        }
    }

    /// Eᵀ · (zP ⊙ a(C)) over all slices.
    fn sum_readout_gradients(&mut self, n_slices: usize) {
        let (width, height) = (n_panels(self.dim), self.readouts.height);
        clear(&mut self.readout_gradients, width * height);
        let slices = &self.slices[..n_slices];
        let panels = self.readout_gradients.par_chunks_exact_mut(PANEL).enumerate();
        panels.for_each(|(at, gradient)| {
            let (panel, readouts) = (at / (height / PANEL), at % (height / PANEL));
            Arch::new().dispatch(ReadoutGradient { slices, panel, readouts, gradient });
        });
    }

    fn move_readouts(&mut self, block: &Block, update: &Update) {
        let (width, height) = (n_panels(self.dim), self.readouts.height);
        for (row, readout) in block.readouts.iter().enumerate() {
            self.gradients.clear();
            let lines = (0..width).map(|panel| self.readout_gradients[panel * height + row]);
            self.gradients.extend(lines);
            self.tables[READOUTS].step(*readout as usize, &self.clock, update, &self.gradients);
        }
    }

    fn move_perturbations(&mut self, block: &Block, n_slices: usize, update: &Update) {
        let width = n_panels(self.dim);
        self.tokens.begin();
        self.gradients.clear();
        for slice in &self.slices[..n_slices] {
            let pairs = block.pairs.iter().skip(slice.first).take(slice.n_rows);
            for (row, (perturbation, _)) in pairs.enumerate() {
                let tokens = self.bag.tokens(*perturbation as usize);
                for token in tokens {
                    let start = self.tokens.number(*token) as usize * width;
                    if start == self.gradients.len() {
                        self.gradients.resize(start + width, Line::ZERO);
                    }
                    for (panel, line) in self.gradients[start..].iter_mut().take(width).enumerate()
                    {
                        let gradient = &slice.perturbation_gradients[panel * TILE + row];
                        line.add_scaled(gradient, 1.0 / tokens.len() as f32);
                    }
                }
            }
        }
        for (token, gradient) in self.tokens.items().iter().zip(self.gradients.chunks_exact(width))
        {
            self.tables[PERTURBATIONS].step(*token as usize, &self.clock, update, gradient);
        }
    }

    fn move_contexts(&mut self, block: &Block, n_slices: usize, update: &Update) {
        let width = n_panels(self.dim);
        self.contexts.begin();
        self.gradients.clear();
        self.bias_gradients.clear();
        for slice in &self.slices[..n_slices] {
            let pairs = block.pairs.iter().skip(slice.first).take(slice.n_rows);
            for (row, (_, context)) in pairs.enumerate() {
                let at = self.contexts.number(*context) as usize;
                if at == self.bias_gradients.len() {
                    self.gradients.resize((at + 1) * width, Line::ZERO);
                    self.bias_gradients.push(Line::ZERO);
                }
                for (panel, line) in self.gradients[at * width..].iter_mut().take(width).enumerate()
                {
                    line.add(&slice.context_gradients[panel * TILE + row]);
                }
                self.bias_gradients[at].0[0] += slice.bias_gradients[row];
            }
        }
        let gradients = self.gradients.chunks_exact(width).zip(&self.bias_gradients);
        for (context, (gradient, bias)) in self.contexts.items().iter().zip(gradients) {
            let context = *context as usize;
            self.tables[CONTEXTS].step(context, &self.clock, update, gradient);
            self.tables[BIASES].step(context, &self.clock, update, std::slice::from_ref(bias));
        }
    }
}

impl ReadoutRows {
    fn begin(&mut self, n_readouts: usize, width: usize) {
        self.height = n_readouts.next_multiple_of(PANEL);
        clear(&mut self.by_dimension, width * self.height);
        clear(&mut self.by_readout, width * self.height);
    }

    fn set(&mut self, row: usize, embedding: &[Line]) {
        for (panel, line) in embedding.iter().enumerate() {
            self.by_dimension[panel * self.height + row] = *line;
        }
    }

    /// Fills the second order from the first.
    fn turn(&mut self, width: usize) {
        let n_blocks = self.height / PANEL;
        let blocks = self.by_dimension.as_chunks::<PANEL>().0;
        let turned = self.by_readout.as_chunks_mut::<PANEL>().0;
        for panel in 0..width {
            for readouts in 0..n_blocks {
                let to = &mut turned[readouts * width + panel];
                super::line::transpose(&blocks[panel * n_blocks + readouts], to);
            }
        }
    }
}

impl Slice {
    fn begin(&mut self, first: usize, n_rows: usize, width: usize, height: usize) {
        (self.first, self.n_rows) = (first, n_rows);
        clear(&mut self.perturbations, width * TILE);
        for lines in [
            &mut self.factors,
            &mut self.contexts,
            &mut self.rows,
            &mut self.perturbation_gradients,
            &mut self.context_gradients,
        ] {
            lines.resize(width * TILE, Line::ZERO);
        }
        self.errors.resize(height / PANEL * TILE, Line::ZERO);
        self.biases.resize(TILE, 0.0);
        self.bias_gradients.resize(TILE, 0.0);
    }
}

/// A slice's way to its errors and back.
struct Pass<'a> {
    slice: &'a mut Slice,
    block: &'a Block,
    readouts: &'a ReadoutRows,
    dropout: Dropout,
    error_scale: f32,
}

impl WithSimd for Pass<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.combine();
        self.compare(simd);
        self.back(simd);
    }
}

impl Pass<'_> {
    /// zP ⊙ dropout ⊙ a(C).
    #[inline(always)]
    fn combine(&mut self) {
        let Slice { n_rows, perturbations, factors, contexts, rows, .. } = &mut *self.slice;
        for start in (0..rows.len()).step_by(TILE) {
            for at in start..start + *n_rows {
                if self.dropout.is_active() {
                    factors[at].0 = self.dropout.factors();
                } else {
                    factors[at].0 = [1.0; PANEL];
                }
                for c in 0..PANEL {
                    rows[at].0[c] = perturbations[at].0[c] * factors[at].0[c] * contexts[at].0[c];
                }
            }
        }
    }

    /// Predicted less measured, 0 where nothing was measured.
    #[inline(always)]
    fn compare<S: Simd>(&mut self, simd: S) {
        let Slice { first, n_rows, rows, biases, errors, bias_gradients, loss, .. } =
            &mut *self.slice;
        let n_readouts = self.block.readouts.len();
        let lines_per_panel =
            self.readouts.by_readout.len() / (self.readouts.height / PANEL).max(1);
        bias_gradients.fill(0.0);
        *loss = 0.0;
        for (panel, weights) in self.readouts.by_readout.chunks_exact(lines_per_panel).enumerate() {
            let out = &mut errors[panel * TILE..(panel + 1) * TILE];
            multiply(simd, |p| &rows[p * TILE..(p + 1) * TILE], weights, *n_rows, out);
            let columns = panel * PANEL..n_readouts.min((panel + 1) * PANEL);
            for (row, line) in out[..*n_rows].iter_mut().enumerate() {
                let start = (*first + row) * n_readouts;
                let measured = &self.block.values[start + columns.start..start + columns.end];
                let mut error = Line::ZERO;
                for (c, value) in measured.iter().enumerate() {
                    let difference = line.0[c] + biases[row] - value;
                    error.0[c] = if value.is_nan() { 0.0 } else { difference };
                }
                let squares = Line(std::array::from_fn(|c| error.0[c] * error.0[c]));
                *loss += f64::from(squares.sum());
                for c in 0..PANEL {
                    line.0[c] = error.0[c] * self.error_scale;
                }
                bias_gradients[row] += line.sum();
            }
        }
    }

    /// Gradients of zP and a(C).
    #[inline(always)]
    fn back<S: Simd>(&mut self, simd: S) {
        let mut by_perturbation = std::mem::take(&mut self.slice.perturbation_gradients);
        let mut by_context = std::mem::take(&mut self.slice.context_gradients);
        let Slice { n_rows, perturbations, factors, contexts, errors, .. } = &*self.slice;
        let mut gradient = [Line::ZERO; TILE];
        let height = self.readouts.height;
        for (panel, readouts) in self.readouts.by_dimension.chunks_exact(height).enumerate() {
            multiply(simd, |p| &errors[p * TILE..(p + 1) * TILE], readouts, *n_rows, &mut gradient);
            for (row, gradient) in gradient[..*n_rows].iter().enumerate() {
                let at = panel * TILE + row;
                for c in 0..PANEL {
                    let kept = gradient.0[c] * factors[at].0[c];
                    by_perturbation[at].0[c] = kept * contexts[at].0[c];
                    by_context[at].0[c] = kept * perturbations[at].0[c];
                }
            }
        }
        self.slice.perturbation_gradients = by_perturbation;
        self.slice.context_gradients = by_context;
    }
}

/// The gradient of 32 readouts in 32 dimensions.
struct ReadoutGradient<'a> {
    slices: &'a [Slice],
    panel: usize,
    readouts: usize,
    gradient: &'a mut [Line],
}

impl WithSimd for ReadoutGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for slice in self.slices {
            let errors = &slice.errors[self.readouts * TILE..][..slice.n_rows];
            let rows = &slice.rows[self.panel * TILE..][..slice.n_rows];
            add_outer_products(simd, errors, rows, self.gradient);
        }
    }
}

const _: () = assert!(TILE.is_multiple_of(BLOCK));
