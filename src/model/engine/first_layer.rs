use pulp::Simd;

use super::adam::{Parameter, Update};
use super::embeddings::InputPart;
use super::line::{Line, PANEL, clear, n_panels, transpose};
use super::multiply::{BLOCK, add_outer_products, multiply};
use super::state::{Place, TensorState};
use super::tile::{Tile, panel};

/// The three parts of a network's input, in the order of x = [zC; zP; zR].
pub(super) const CONTEXT: usize = 0;
pub(super) const PERTURBATION: usize = 1;
pub(super) const READOUT: usize = 2;
pub(super) const N_PARTS: usize = 3;

/// The embeddings that meet in a step: distinct contexts, pairs' perturbations, readouts.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) parts: [InputPart; N_PARTS],
    /// The number of each pair's context among the distinct ones.
    pub(super) context_of_pair: Vec<u32>,
}

impl Inputs {
    pub(super) fn n_rows(&self, part: usize) -> usize {
        self.parts[part].n_rows()
    }

    fn panel(&self, part: usize, panel: usize) -> &[Line] {
        self.parts[part].panel(panel)
    }
}

/// 32 outputs of the first layer. As W·x + b = (W_C·zC + W_P·zP + b) + W_R·zR, it is computed once per
/// pair and once per readout instead of once per value.
#[derive(Debug)]
pub(super) struct FirstPanel {
    /// Per part: a line per input.
    weights: [Parameter; N_PARTS],
    bias: Parameter,
    /// W_part·z of each row; those of the pairs hold the contexts' and the bias, too.
    sums: [Vec<Line>; N_PARTS],
    /// The loss's gradient by the sums.
    deltas: [Vec<Line>; N_PARTS],
    gradient: Vec<Line>,
}

impl FirstPanel {
    /// Reads panel `panel` of `dim` inputs per part from the layer's weight and bias.
    pub(super) fn read(weight: &TensorState, bias: &TensorState, dim: usize, panel: usize) -> Self {
        let n_outputs = bias.value.len();
        let n_lines = n_panels(dim) * PANEL;
        let place = |part| Place::inputs(n_outputs, N_PARTS * dim, (part * dim, dim), panel);
        let parts = [CONTEXT, PERTURBATION, READOUT];
        Self {
            weights: parts.map(|part| Parameter::read(weight, place(part), n_lines)),
            bias: Parameter::read(bias, Place::rows(1, n_outputs, panel), 1),
            sums: Default::default(),
            deltas: Default::default(),
            gradient: vec![Line::ZERO; n_lines],
        }
    }

    pub(super) fn write(
        &self,
        weight: &mut TensorState,
        bias: &mut TensorState,
        dim: usize,
        panel: usize,
    ) {
        let n_outputs = bias.value.len();
        for (part, parameter) in self.weights.iter().enumerate() {
            let place = Place::inputs(n_outputs, N_PARTS * dim, (part * dim, dim), panel);
            parameter.write(place, weight);
        }
        self.bias.write(Place::rows(1, n_outputs, panel), bias);
    }

    /// Returns what the outputs of each pair, the bias included, and of each readout sum to.
    #[inline(always)]
    pub(super) fn sums(&self) -> (&[Line], &[Line]) {
        (&self.sums[PERTURBATION], &self.sums[READOUT])
    }

    /// Multiplies the inputs with the weights.
    #[inline(always)]
    pub(super) fn project<S: Simd>(&mut self, simd: S, inputs: &Inputs) {
        for part in 0..N_PARTS {
            let n_rows = inputs.n_rows(part);
            self.sums[part].resize(n_rows.next_multiple_of(BLOCK), Line::ZERO);
            let weights = &self.weights[part].value;
            multiply(simd, |p| inputs.panel(part, p), weights, n_rows, &mut self.sums[part]);
        }
        let [contexts, pairs, _] = &mut self.sums;
        for (pair, context) in pairs.iter_mut().zip(&inputs.context_of_pair) {
            pair.add(simd, &contexts[*context as usize]);
            pair.add(simd, &self.bias.value[0]);
        }
    }

    /// Gathers the gradient from the tiles, and moves the weights.
    #[inline(always)]
    pub(super) fn learn<S: Simd>(
        &mut self,
        simd: S,
        inputs: &Inputs,
        tiles: &[Tile],
        at: usize,
        update: &Update,
    ) {
        for part in 0..N_PARTS {
            let height = inputs.n_rows(part).next_multiple_of(BLOCK);
            clear(&mut self.deltas[part], height);
        }
        let [contexts, pairs, readouts] = &mut self.deltas;
        for tile in tiles {
            for (pair, sum) in tile.pairs.iter().zip(panel(&tile.pair_sums, at)) {
                pairs[*pair as usize].add(simd, sum);
            }
            for (readout, sum) in tile.readouts.iter().zip(panel(&tile.readout_sums, at)) {
                readouts[*readout as usize].add(simd, sum);
            }
        }
        let mut bias = Line::ZERO;
        for (pair, context) in pairs.iter().zip(&inputs.context_of_pair) {
            contexts[*context as usize].add(simd, pair);
            bias.add(simd, pair);
        }
        self.bias.step(update, &[bias]);
        for part in 0..N_PARTS {
            self.gradient.fill(Line::ZERO);
            let n_rows = inputs.n_rows(part);
            for (p, gradient) in self.gradient.chunks_exact_mut(PANEL).enumerate() {
                let rows = &inputs.panel(part, p)[..n_rows];
                add_outer_products(simd, rows, &self.deltas[part][..n_rows], gradient);
            }
            self.weights[part].step(update, &self.gradient);
        }
    }
}

/// 32 inputs of the first layer: the way back from its sums to the embeddings of one part.
#[derive(Debug)]
pub(super) struct InputPanel {
    part: usize,
    panel: usize,
    /// The weights before this step's update, a line per output.
    weights: Vec<Line>,
    /// The gradient of each row's embedding.
    gradient: Vec<Line>,
}

impl InputPanel {
    pub(super) fn new(part: usize, panel: usize, n_outputs: usize) -> Self {
        let weights = vec![Line::ZERO; n_panels(n_outputs) * PANEL];
        Self { part, panel, weights, gradient: Vec::new() }
    }

    /// Copies the weights of this step.
    #[inline(always)]
    pub(super) fn copy(&mut self, first: &[FirstPanel]) {
        let inputs = self.panel * PANEL..(self.panel + 1) * PANEL;
        for (to, panel) in self.weights.as_chunks_mut::<PANEL>().0.iter_mut().zip(first) {
            if let Some(from) = panel.weights[self.part].value[inputs.clone()].first_chunk() {
                transpose(from, to);
            }
        }
    }

    /// Computes the gradient of the embeddings.
    #[inline(always)]
    pub(super) fn pull<S: Simd>(&mut self, simd: S, inputs: &Inputs, first: &[FirstPanel]) {
        let n_rows = inputs.n_rows(self.part);
        self.gradient.resize(n_rows.next_multiple_of(BLOCK), Line::ZERO);
        let deltas = |panel: usize| first[panel].deltas[self.part].as_slice();
        multiply(simd, deltas, &self.weights, n_rows, &mut self.gradient);
    }

    pub(super) fn gradient(&self, row: usize) -> &Line {
        &self.gradient[row]
    }
}
