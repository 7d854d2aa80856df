use pulp::Simd;

use super::adam::{Parameter, Update};
use super::line::{Line, PANEL, n_panels, transpose};
use super::multiply::add_outer_products;
use super::state::{Place, TensorState};
use super::tile::{Tile, panel};

/// 32 outputs of a layer behind the first.
#[derive(Debug)]
pub(super) struct DensePanel {
    /// The layer, counted from 0 as the network's first.
    layer: usize,
    /// A line per input.
    pub(super) weights: Parameter,
    pub(super) bias: Parameter,
    gradient: Vec<Line>,
}

impl DensePanel {
    pub(super) fn read(
        layer: usize,
        weight: &TensorState,
        bias: &TensorState,
        panel: usize,
    ) -> Self {
        let n_outputs = bias.value.len();
        let n_inputs = weight.value.len() / n_outputs.max(1);
        let n_lines = n_panels(n_inputs) * PANEL;
        let place = Place::inputs(n_outputs, n_inputs, (0, n_inputs), panel);
        Self {
            layer,
            weights: Parameter::read(weight, place, n_lines),
            bias: Parameter::read(bias, Place::rows(1, n_outputs, panel), 1),
            gradient: vec![Line::ZERO; n_lines],
        }
    }

    pub(super) fn write(&self, weight: &mut TensorState, bias: &mut TensorState, panel: usize) {
        let n_outputs = bias.value.len();
        let n_inputs = weight.value.len() / n_outputs.max(1);
        self.weights.write(Place::inputs(n_outputs, n_inputs, (0, n_inputs), panel), weight);
        self.bias.write(Place::rows(1, n_outputs, panel), bias);
    }

    /// Sums the gradient over all values of the tiles, and moves the weights; `at` is this panel's
    /// position within its layer, `bias_at` among all later layers.
    #[inline(always)]
    pub(super) fn learn<S: Simd>(
        &mut self,
        simd: S,
        tiles: &[Tile],
        at: usize,
        bias_at: usize,
        update: &Update,
    ) {
        let mut bias = Line::ZERO;
        self.gradient.fill(Line::ZERO);
        for tile in tiles {
            bias.add(simd, &tile.bias_sums[bias_at]);
            let n = tile.entries.len();
            let delta = &panel(tile.delta(self.layer), at)[..n];
            for (p, gradient) in self.gradient.chunks_exact_mut(PANEL).enumerate() {
                let input = &panel(&tile.hidden[self.layer - 1], p)[..n];
                add_outer_products(simd, input, delta, gradient);
            }
        }
        self.bias.step(update, &[bias]);
        self.weights.step(update, &self.gradient);
    }
}

/// 32 inputs of a layer behind the first, with a line per output: the way back through it.
#[derive(Debug)]
pub(super) struct BackPanel {
    panel: usize,
    pub(super) weights: Vec<Line>,
}

impl BackPanel {
    pub(super) fn new(panel: usize, n_outputs: usize) -> Self {
        Self { panel, weights: vec![Line::ZERO; n_panels(n_outputs) * PANEL] }
    }

    /// Copies the weights of its layer.
    #[inline(always)]
    pub(super) fn copy(&mut self, layer: &[DensePanel]) {
        let inputs = self.panel * PANEL..(self.panel + 1) * PANEL;
        for (to, panel) in self.weights.as_chunks_mut::<PANEL>().0.iter_mut().zip(layer) {
            if let Some(from) = panel.weights.value[inputs.clone()].first_chunk() {
                transpose(from, to);
            }
        }
    }
}

impl Tile {
    /// Returns the gradient of a layer's sums, once the way back has reached it.
    #[inline(always)]
    pub(super) fn delta(&self, layer: usize) -> &[Line] {
        if layer + 1 == self.hidden.len() { &self.hidden[layer] } else { &self.deltas[layer] }
    }
}
