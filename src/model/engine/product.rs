use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::adam::{Clock, Table, Update};
use super::embeddings::{Gather, GradientBuffer, InputPart, Move, Rows};
use super::line::{Line, PANEL, clear, n_panels, transpose};
use super::multiply::{BLOCK, add_outer_products, multiply};
use super::noise::{Dropout, Part, StepId};
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
const N_TABLES: usize = 4;

/// Trains ŷ = Σ_k zP_k · a(C)_k · zR_k + b(C): slices of the block's pairs meet all its readouts in one
/// matrix product each way.
#[derive(Debug)]
pub(super) struct ProductEngine {
    bag: Arc<EmbeddingBag>,
    dim: usize,
    dropout: f64,
    clock: Clock,
    /// Perturbations, contexts, readouts; then the biases, a line per context.
    tables: [Table; N_TABLES],
    buffers: [GradientBuffer; N_TABLES],
    inputs: Inputs,
    slices: Vec<Slice>,
    readout_gradients: Vec<Line>,
}

/// The embeddings of a block, a row per pair or per readout.
#[derive(Debug, Default)]
struct Inputs {
    parts: [InputPart; N_TABLES],
    /// zR once more: panel after panel of readouts, a line per dimension.
    turned_readouts: Vec<Line>,
}

/// Up to [`TILE`] pairs of a block; panel after panel of [`TILE`] lines each.
#[derive(Debug, Default)]
struct Slice {
    /// Rows of the block.
    first: usize,
    n_rows: usize,
    /// The dropout's factors, and zP ⊙ factors ⊙ a(C).
    factors: Vec<Line>,
    rows: Vec<Line>,
    /// Errors, panel after panel of readouts.
    errors: Vec<Line>,
    /// Gradients of zP, of a(C), and of b(C).
    perturbation_gradients: Vec<Line>,
    context_gradients: Vec<Line>,
    bias_gradients: Vec<Line>,
    loss: f64,
}

impl ProductEngine {
    pub(super) fn new(config: &LpmConfig, bag: Arc<EmbeddingBag>, state: &State) -> Self {
        let dim = config.embedding_dim;
        let columns = [dim, dim, dim, 1];
        let table = |at: usize| Table::read(&state.tensors[at], columns[at], state.steps);
        let n_rows = |at: usize| state.tensors[at].value.len() / columns[at];
        let all = [PERTURBATIONS, CONTEXTS, READOUTS, BIASES];
        Self {
            bag,
            dim,
            dropout: config.dropout,
            clock: Clock::new(state.steps, config.weight_decay),
            tables: all.map(table),
            buffers: all.map(|at| GradientBuffer::new(n_rows(at))),
            inputs: Inputs::default(),
            slices: Vec::new(),
            readout_gradients: Vec::new(),
        }
    }

    /// Brings all embeddings up to date.
    pub(super) fn catch_up(&mut self) {
        for table in &mut self.tables {
            table.catch_up_all(&self.clock);
        }
    }

    /// Writes all weights and moments into a state of their shape.
    pub(super) fn write(&mut self, state: &mut State) {
        self.catch_up();
        for (at, table) in self.tables.iter().enumerate() {
            table.write(if at == BIASES { 1 } else { self.dim }, &mut state.tensors[at]);
        }
        state.steps = self.clock.steps;
    }

    /// Makes one AdamW step on a block and returns the sum of its squared errors before the step.
    pub(super) fn step(&mut self, block: &Block, learning_rate: f64, id: StepId) -> f64 {
        let n_slices = block.pairs.len().div_ceil(TILE);
        if self.slices.len() < n_slices {
            self.slices.resize_with(n_slices, Slice::default);
        }
        self.gather(block);
        let update = self.clock.tick(learning_rate);
        let error_scale = (2.0 / block.n_values() as f64) as f32;
        let (inputs, rate) = (&self.inputs, self.dropout);
        self.slices[..n_slices].par_iter_mut().enumerate().for_each(|(part, slice)| {
            slice.begin(part * TILE, block, inputs);
            let dropout = Dropout::new(Part { rate, id, part: part as u64 });
            Arch::new().dispatch(Pass { slice, block, inputs, dropout, error_scale });
        });
        self.sum_readout_gradients(n_slices);
        self.move_embeddings(block, n_slices, &update);
        self.slices[..n_slices].iter().map(|slice| slice.loss).sum()
    }

    fn rows<'a>(block: &'a Block, bag: &'a EmbeddingBag) -> [Rows<'a>; N_TABLES] {
        [
            Rows::Perturbations(&block.pairs, bag),
            Rows::Contexts(&block.pairs),
            Rows::Items(&block.readouts),
            Rows::Contexts(&block.pairs),
        ]
    }

    fn gather(&mut self, block: &Block) {
        let tables = self.tables.iter_mut().zip(&mut self.inputs.parts);
        for ((table, input), rows) in tables.zip(Self::rows(block, &self.bag)) {
            Gather { table, clock: &self.clock, rows, input }.run();
        }
        self.inputs.turn_readouts(n_panels(self.dim));
    }

    /// Eᵀ · (zP ⊙ a(C)) over all slices.
    fn sum_readout_gradients(&mut self, n_slices: usize) {
        let (width, height) = (n_panels(self.dim), self.inputs.height());
        clear(&mut self.readout_gradients, width * height);
        let slices = &self.slices[..n_slices];
        let panels = self.readout_gradients.par_chunks_exact_mut(PANEL).enumerate();
        panels.for_each(|(at, gradient)| {
            let (panel, readouts) = (at / (height / PANEL), at % (height / PANEL));
            Arch::new().dispatch(ReadoutGradient { slices, panel, readouts, gradient });
        });
    }

    fn move_embeddings(&mut self, block: &Block, n_slices: usize, update: &Update) {
        let (slices, height) = (&self.slices[..n_slices], self.inputs.height());
        let readout_gradients = &self.readout_gradients;
        let gradient = |at: usize, row: usize, panel: usize| {
            let slice = &slices[if at == READOUTS { 0 } else { row / TILE }];
            let line = panel * TILE + row % TILE;
            match at {
                PERTURBATIONS => &slice.perturbation_gradients[line],
                CONTEXTS => &slice.context_gradients[line],
                READOUTS => &readout_gradients[panel * height + row],
                _ => &slice.bias_gradients[line],
            }
        };
        let tables = self.tables.iter_mut().zip(&mut self.buffers);
        let rows = Self::rows(block, &self.bag).into_iter().enumerate();
        for ((table, buffer), (at, rows)) in tables.zip(rows) {
            let gradient = |row: usize, panel: usize| gradient(at, row, panel);
            Move { table, clock: &self.clock, update, rows, gradient, buffer }.run();
        }
    }
}

impl Inputs {
    /// Readouts of the block, rounded up to whole panels.
    fn height(&self) -> usize {
        self.parts[READOUTS].n_rows().next_multiple_of(PANEL)
    }

    fn turn_readouts(&mut self, width: usize) {
        let n_lines = width * self.height();
        clear(&mut self.turned_readouts, n_lines);
        let turned = self.turned_readouts.as_chunks_mut::<PANEL>().0;
        for panel in 0..width {
            let blocks = self.parts[READOUTS].panel(panel).as_chunks::<PANEL>().0;
            for (readouts, block) in blocks.iter().enumerate() {
                transpose(block, &mut turned[readouts * width + panel]);
            }
        }
    }
}

impl Slice {
    fn begin(&mut self, first: usize, block: &Block, inputs: &Inputs) {
        (self.first, self.n_rows) = (first, (block.pairs.len() - first).min(TILE));
        let width = inputs.turned_readouts.len() / inputs.height().max(1);
        for lines in [
            &mut self.factors,
            &mut self.rows,
            &mut self.perturbation_gradients,
            &mut self.context_gradients,
        ] {
            lines.resize(width * TILE, Line::ZERO);
        }
        self.errors.resize(inputs.height() / PANEL * TILE, Line::ZERO);
        clear(&mut self.bias_gradients, TILE);
    }
}

/// A slice's way to its errors and back.
struct Pass<'a> {
    slice: &'a mut Slice,
    block: &'a Block,
    inputs: &'a Inputs,
    dropout: Dropout,
    error_scale: f32,
}

impl WithSimd for Pass<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.combine(simd);
        self.compare(simd);
        self.back(simd);
    }
}

impl Pass<'_> {
    /// zP ⊙ dropout ⊙ a(C).
    #[inline(always)]
    fn combine<S: Simd>(&mut self, simd: S) {
        let Slice { first, n_rows, factors, rows, .. } = &mut *self.slice;
        let lines = rows.chunks_exact_mut(TILE).zip(factors.chunks_exact_mut(TILE));
        for (panel, (rows, factors)) in lines.enumerate() {
            let perturbations = &self.inputs.parts[PERTURBATIONS].panel(panel)[*first..];
            let contexts = &self.inputs.parts[CONTEXTS].panel(panel)[*first..];
            for at in 0..*n_rows {
                let is_active = self.dropout.is_active();
                factors[at] = if is_active { self.dropout.factors() } else { Line([1.0; PANEL]) };
                rows[at] = perturbations[at];
                rows[at].multiply(simd, &factors[at]);
                rows[at].multiply(simd, &contexts[at]);
            }
        }
    }

    /// Predicted less measured, 0 where nothing was measured.
    #[inline(always)]
    fn compare<S: Simd>(&mut self, simd: S) {
        let Slice { first, n_rows, rows, errors, bias_gradients, loss, .. } = &mut *self.slice;
        let biases = &self.inputs.parts[BIASES].panel(0)[*first..];
        let n_readouts = self.block.readouts.len();
        let turned = &self.inputs.turned_readouts;
        let n_panels = (self.inputs.height() / PANEL).max(1);
        *loss = 0.0;
        for (panel, weights) in turned.chunks_exact(turned.len() / n_panels).enumerate() {
            let out = &mut errors[panel * TILE..(panel + 1) * TILE];
            multiply(simd, |p| &rows[p * TILE..(p + 1) * TILE], weights, *n_rows, out);
            let columns = panel * PANEL..n_readouts.min((panel + 1) * PANEL);
            for (row, line) in out[..*n_rows].iter_mut().enumerate() {
                let start = (*first + row) * n_readouts;
                let measured = &self.block.values[start + columns.start..start + columns.end];
                let mut error = Line::ZERO;
                for (c, value) in measured.iter().enumerate() {
                    let difference = line.0[c] + biases[row].0[0] - value;
                    error.0[c] = if value.is_nan() { 0.0 } else { difference };
                }
                let squares = Line(std::array::from_fn(|c| error.0[c] * error.0[c]));
                *loss += f64::from(squares.sum());
                for c in 0..PANEL {
                    line.0[c] = error.0[c] * self.error_scale;
                }
                bias_gradients[row].0[0] += line.sum();
            }
        }
    }

    /// Gradients of zP and a(C).
    #[inline(always)]
    fn back<S: Simd>(&mut self, simd: S) {
        let Slice {
            first, n_rows, factors, errors, perturbation_gradients, context_gradients, ..
        } = &mut *self.slice;
        let mut gradient = [Line::ZERO; TILE];
        let gradients = perturbation_gradients
            .chunks_exact_mut(TILE)
            .zip(context_gradients.chunks_exact_mut(TILE));
        for (panel, (by_perturbation, by_context)) in gradients.enumerate() {
            let readouts = self.inputs.parts[READOUTS].panel(panel);
            multiply(simd, |p| &errors[p * TILE..(p + 1) * TILE], readouts, *n_rows, &mut gradient);
            let perturbations = &self.inputs.parts[PERTURBATIONS].panel(panel)[*first..];
            let contexts = &self.inputs.parts[CONTEXTS].panel(panel)[*first..];
            let factors = &factors[panel * TILE..];
            for (row, gradient) in gradient[..*n_rows].iter().enumerate() {
                let mut kept = *gradient;
                kept.multiply(simd, &factors[row]);
                by_perturbation[row] = kept;
                by_perturbation[row].multiply(simd, &contexts[row]);
                by_context[row] = kept;
                by_context[row].multiply(simd, &perturbations[row]);
            }
        }
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
