use std::ops::Range;

use pulp::Simd;

use super::dense_layer::{BackPanel, DensePanel};
use super::first_layer::FirstPanel;
use super::line::Line;
use super::multiply::multiply;
use super::noise::Dropout;
use super::tile::{TILE, Tile, panel, panel_mut};

/// The layers as a tile sees them: nothing of them changes while tiles are worked on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers<'a> {
    pub(super) first: &'a [FirstPanel],
    /// Panels of all later layers, and which belong to which.
    pub(super) dense: &'a [DensePanel],
    pub(super) dense_of: &'a [Range<usize>],
    pub(super) back: &'a [BackPanel],
    pub(super) back_of: &'a [Range<usize>],
    /// The output's weights, a line per panel of the last layer.
    pub(super) output: &'a [Line],
    pub(super) output_bias: f32,
}

/// A tile's way through the layers and back.
struct Pass<'a> {
    tile: &'a mut Tile,
    layers: Layers<'a>,
    dropout: Dropout,
    error_scale: f32,
}

/// Predicts a tile's values, and computes what their errors say about all weights; `error_scale` is 2 / the
/// step's number of values: the derivative of their mean squared error.
#[inline(always)]
pub(super) fn pass<S: Simd>(
    simd: S,
    tile: &mut Tile,
    layers: Layers<'_>,
    dropout: Dropout,
    error_scale: f32,
) {
    let mut pass = Pass { tile, layers, dropout, error_scale };
    pass.enter(simd);
    let later = 0..layers.dense_of.len();
    for layer in later.clone() {
        pass.forward(simd, layer);
    }
    pass.compare(simd);
    for layer in later.rev() {
        pass.back(simd, layer);
    }
    if layers.dense_of.is_empty() {
        pass.leave(simd);
    }
}

impl Pass<'_> {
    /// First layer: pair + readout, ReLU, dropout.
    #[inline(always)]
    fn enter<S: Simd>(&mut self, simd: S) {
        let Tile { entries, pairs, readouts, hidden, .. } = &mut *self.tile;
        for (at, first) in self.layers.first.iter().enumerate() {
            let (pair_sums, readout_sums) = first.sums();
            for (entry, line) in entries.iter().zip(panel_mut(&mut hidden[0], at)) {
                let pair = &pair_sums[pairs[entry.pair as usize] as usize];
                let readout = &readout_sums[readouts[entry.readout as usize] as usize];
                line.set_rectified_sum(simd, pair, readout);
                self.dropout.drop_units(simd, line);
            }
        }
    }

    /// A later layer: product, bias, ReLU, dropout.
    #[inline(always)]
    fn forward<S: Simd>(&mut self, simd: S, layer: usize) {
        let n = self.tile.entries.len();
        let (before, after) = self.tile.hidden.split_at_mut(layer + 1);
        let panels = &self.layers.dense[self.layers.dense_of[layer].clone()];
        for (at, dense) in panels.iter().enumerate() {
            let out = panel_mut(&mut after[0], at);
            multiply(simd, |p| panel(&before[layer], p), &dense.weights.value, n, out);
            let bias = dense.bias.value[0];
            for line in &mut out[..n] {
                let sum = *line;
                line.set_rectified_sum(simd, &sum, &bias);
                self.dropout.drop_units(simd, line);
            }
        }
    }

    /// Output and errors; turns the last layer's outputs into the gradient of its sums.
    #[inline(always)]
    fn compare<S: Simd>(&mut self, simd: S) {
        let Tile { entries, hidden, bias_sums, output_sums, .. } = &mut *self.tile;
        let n = entries.len();
        let Some(last) = hidden.last_mut() else { return };
        let mut sums = [Line::ZERO; TILE];
        for (at, weight) in self.layers.output.iter().enumerate() {
            for (sum, line) in sums[..n].iter_mut().zip(panel(last, at)) {
                sum.add_products(simd, line, weight);
            }
        }
        let mut errors = [0.0_f32; TILE];
        let (mut loss, mut bias_sum) = (0.0, 0.0);
        for ((error, sum), entry) in errors.iter_mut().zip(&sums).zip(entries.iter()) {
            let difference = sum.sum() + self.layers.output_bias - entry.value;
            loss += f64::from(difference) * f64::from(difference);
            *error = difference * self.error_scale;
            bias_sum += *error;
        }
        let first_bias = self.layers.dense_of.last().map_or(0, |panels| panels.start);
        let scale = self.dropout.scale();
        for (at, weight) in self.layers.output.iter().enumerate() {
            let (mut output_sum, mut bias) = (Line::ZERO, Line::ZERO);
            for (line, error) in panel_mut(last, at)[..n].iter_mut().zip(&errors) {
                output_sum.add_scaled(simd, line, *error);
                line.turn_to_gradient(simd, weight, error * scale);
                bias.add(simd, line);
            }
            output_sums[at] = output_sum;
            if let Some(sum) = bias_sums.get_mut(first_bias + at) {
                *sum = bias;
            }
        }
        (self.tile.loss, self.tile.output_bias_sum) = (loss, bias_sum);
    }

    /// From the gradient of a later layer's sums to that of the sums before.
    #[inline(always)]
    fn back<S: Simd>(&mut self, simd: S, layer: usize) {
        let n = self.tile.entries.len();
        let is_last = layer + 2 == self.tile.hidden.len();
        let Tile {
            entries,
            pairs,
            readouts,
            hidden,
            deltas,
            pair_sums,
            readout_sums,
            bias_sums,
            ..
        } = &mut *self.tile;
        let (before, after) = hidden.split_at(layer + 1);
        let (deltas, later) = deltas.split_at_mut(layer + 1);
        let delta: &[Line] = if is_last { &after[0] } else { &later[0] };
        let scale = self.dropout.scale();
        let mut gradient = [Line::ZERO; TILE];
        for (at, back) in self.layers.back[self.layers.back_of[layer].clone()].iter().enumerate() {
            multiply(simd, |p| panel(delta, p), &back.weights, n, &mut gradient);
            for (gradient, line) in gradient[..n].iter_mut().zip(panel(&before[layer], at)) {
                gradient.gate(simd, line, scale);
            }
            if layer == 0 {
                let pair_sums = &mut panel_mut(pair_sums, at)[..pairs.len()];
                let readout_sums = &mut panel_mut(readout_sums, at)[..readouts.len()];
                pair_sums.fill(Line::ZERO);
                readout_sums.fill(Line::ZERO);
                for (entry, line) in entries.iter().zip(&gradient) {
                    pair_sums[entry.pair as usize].add(simd, line);
                    readout_sums[entry.readout as usize].add(simd, line);
                }
            } else {
                let mut bias = Line::ZERO;
                for line in &gradient[..n] {
                    bias.add(simd, line);
                }
                bias_sums[self.layers.dense_of[layer - 1].start + at] = bias;
                panel_mut(&mut deltas[layer], at)[..n].copy_from_slice(&gradient[..n]);
            }
        }
    }

    /// A network of one layer has the gradient of its sums where its outputs were.
    #[inline(always)]
    fn leave<S: Simd>(&mut self, simd: S) {
        let Tile { entries, pairs, readouts, hidden, pair_sums, readout_sums, .. } =
            &mut *self.tile;
        for at in 0..self.layers.first.len() {
            let pair_sums = &mut panel_mut(pair_sums, at)[..pairs.len()];
            let readout_sums = &mut panel_mut(readout_sums, at)[..readouts.len()];
            pair_sums.fill(Line::ZERO);
            readout_sums.fill(Line::ZERO);
            for (entry, line) in entries.iter().zip(panel(&hidden[0], at)) {
                pair_sums[entry.pair as usize].add(simd, line);
                readout_sums[entry.readout as usize].add(simd, line);
            }
        }
    }
}
