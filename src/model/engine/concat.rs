use std::ops::Range;
use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::adam::{Clock, Table, Update};
use super::dense_layer::{BackPanel, DensePanel};
use super::embeddings::{Gather, GradientBuffer, Move, Rows};
use super::first_layer::{CONTEXT, FirstPanel, InputPanel, Inputs, N_PARTS, PERTURBATION, READOUT};
use super::layers::{Layers, pass};
use super::line::{Line, n_panels};
use super::noise::{Dropout, Part, StepId};
use super::slots::Slots;
use super::state::{State, TensorState};
use super::tile::{Tile, Tiles};
use crate::model::bag::EmbeddingBag;
use crate::model::config::LpmConfig;
use crate::model::training::Block;

/// Trains the published head: one pass over tiles of a block, then sums per panel of weights.
///
/// A step has four phases, each spread over all threads: first-layer sums of pairs and readouts;
/// tiles forward and back; gradients and updates of the layers, 32 outputs at a time; gradients of the
/// embeddings. All sums run in an order that does not depend on threads.
#[derive(Debug)]
pub(super) struct ConcatEngine {
    bag: Arc<EmbeddingBag>,
    dim: usize,
    dropout: f64,
    clock: Clock,
    tables: [Table; N_PARTS],
    first: Vec<FirstPanel>,
    input: Vec<InputPanel>,
    dense: Vec<DensePanel>,
    dense_of: Vec<Range<usize>>,
    back: Vec<BackPanel>,
    back_of: Vec<Range<usize>>,
    /// The output layer: one row of weights, and its bias.
    output: Table,
    output_bias: Table,
    inputs: Inputs,
    tiles: Tiles,
    contexts: Slots,
    gradients: [GradientBuffer; N_PARTS],
}

/// Which of a state's tensors is which table: they are stored perturbations, contexts, readouts.
const TABLES: [usize; N_PARTS] = [1, 0, 2];
/// Position of the first layer's weight in a state.
const FIRST: usize = 3;

impl ConcatEngine {
    pub(super) fn new(config: &LpmConfig, bag: Arc<EmbeddingBag>, state: &State) -> Self {
        let (dim, widths, tensors) = (config.embedding_dim, &config.hidden_widths, &state.tensors);
        let table = |at: usize| Table::read(&tensors[at], dim, state.steps);
        let panels = |width: usize| 0..n_panels(width);
        let first_width = widths.first().copied().unwrap_or(0);
        let first = panels(first_width)
            .map(|p| FirstPanel::read(&tensors[FIRST], &tensors[FIRST + 1], dim, p));
        let parts = [CONTEXT, PERTURBATION, READOUT].into_iter();
        let input = parts.flat_map(|part| {
            panels(dim).map(move |panel| InputPanel::new(part, panel, first_width))
        });
        let (mut dense, mut dense_of) = (Vec::new(), Vec::new());
        let (mut back, mut back_of) = (Vec::new(), Vec::new());
        for (layer, pair) in widths.windows(2).enumerate() {
            let at = FIRST + 2 * (layer + 1);
            let read = |p| DensePanel::read(layer + 1, &tensors[at], &tensors[at + 1], p);
            dense_of.push(dense.len()..dense.len() + n_panels(pair[1]));
            dense.extend(panels(pair[1]).map(read));
            back_of.push(back.len()..back.len() + n_panels(pair[0]));
            back.extend(panels(pair[0]).map(|p| BackPanel::new(p, pair[1])));
        }
        let at = FIRST + 2 * widths.len();
        Self {
            dim,
            dropout: config.dropout,
            clock: Clock::new(state.steps, config.weight_decay),
            contexts: Slots::new(tensors[TABLES[CONTEXT]].value.len() / dim),
            gradients: TABLES.map(|at| GradientBuffer::new(tensors[at].value.len() / dim)),
            tables: TABLES.map(table),
            first: first.collect(),
            input: input.collect(),
            output: Table::read(&tensors[at], tensors[at].value.len(), state.steps),
            output_bias: Table::read(&tensors[at + 1], 1, state.steps),
            inputs: Inputs::default(),
            tiles: Tiles::new(widths),
            bag,
            dense,
            dense_of,
            back,
            back_of,
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
        let tensors = &mut state.tensors;
        for (table, at) in self.tables.iter().zip(TABLES) {
            table.write(self.dim, &mut tensors[at]);
        }
        let [weight, bias] = two(tensors, FIRST);
        for (panel, first) in self.first.iter().enumerate() {
            first.write(weight, bias, self.dim, panel);
        }
        for (layer, panels) in self.dense_of.iter().enumerate() {
            let [weight, bias] = two(tensors, FIRST + 2 * (layer + 1));
            for (panel, dense) in self.dense[panels.clone()].iter().enumerate() {
                dense.write(weight, bias, panel);
            }
        }
        let [weight, bias] = two(tensors, FIRST + 2 * (self.dense_of.len() + 1));
        self.output.write(weight.value.len(), weight);
        self.output_bias.write(1, bias);
        state.steps = self.clock.steps;
    }

    /// Makes one AdamW step on a block and returns the sum of its squared errors before the step.
    pub(super) fn step(&mut self, block: &Block, learning_rate: f64, id: StepId) -> f64 {
        self.tiles.cut(block);
        self.gather(block);
        let update = self.clock.tick(learning_rate);
        self.project();
        self.pass((2.0 / block.n_values() as f64) as f32, id);
        self.learn(&update);
        self.pull();
        self.move_embeddings(block, &update);
        self.tiles.used().iter().map(|tile| tile.loss).sum()
    }

    /// Copies the embeddings that the block needs.
    fn gather(&mut self, block: &Block) {
        self.contexts.begin();
        self.inputs.context_of_pair.clear();
        for (_, context) in &block.pairs {
            self.inputs.context_of_pair.push(self.contexts.number(*context));
        }
        let Self { bag, clock, tables, inputs, contexts, .. } = self;
        let (clock, mut parts) = (&*clock, tables.iter_mut().zip(&mut inputs.parts));
        let rows = [
            Rows::Items(contexts.items()),
            Rows::Perturbations(&block.pairs, bag),
            Rows::Items(&block.readouts),
        ];
        let gathers = rows
            .map(|rows| parts.next().map(|(table, input)| Gather { table, clock, rows, input }));
        let [contexts, pairs, readouts] = gathers.map(|gather| move || gather.map(Gather::run));
        rayon::join(pairs, || (contexts(), readouts()));
    }

    fn project(&mut self) {
        let (dense, inputs) = (&self.dense, &self.inputs);
        let layer_of = |at: usize| self.back_of.iter().position(|panels| panels.contains(&at));
        let first = self.first.par_iter_mut().map(Work::Project);
        let back = self.back.par_iter_mut().enumerate().map(|(at, back)| {
            let layer = layer_of(at).map_or(0..0, |layer| self.dense_of[layer].clone());
            Work::CopyBack(back, &dense[layer])
        });
        first.chain(back).with_max_len(1).for_each(|work| run(work, inputs));
    }

    fn pass(&mut self, error_scale: f32, id: StepId) {
        let layers = Layers {
            first: &self.first,
            dense: &self.dense,
            dense_of: &self.dense_of,
            back: &self.back,
            back_of: &self.back_of,
            output: &self.output.weights().value,
            output_bias: self.output_bias.weights().value[0].0[0],
        };
        let (rate, inputs) = (self.dropout, &self.inputs);
        let tiles = self.tiles.used_mut().par_iter_mut().enumerate();
        let tiles = tiles.map(|(part, tile)| {
            Work::Pass(tile, layers, Part { rate, id, part: part as u64 }, error_scale)
        });
        let copies = self.input.par_iter_mut().map(|input| Work::CopyInput(input, layers.first));
        tiles.chain(copies).with_max_len(1).for_each(|work| run(work, inputs));
    }

    fn learn(&mut self, update: &Update) {
        let (tiles, inputs, clock) = (self.tiles.used(), &self.inputs, &self.clock);
        let start_of = |at: usize| self.dense_of.iter().find(|panels| panels.contains(&at));
        let dense = self.dense.par_iter_mut().enumerate().map(|(at, dense)| {
            let start = start_of(at).map_or(0, |panels| panels.start);
            Work::LearnDense(dense, tiles, at - start, at, update)
        });
        let first = self.first.par_iter_mut().enumerate();
        let first = first.map(|(at, first)| Work::LearnFirst(first, tiles, at, update));
        let output = (&mut self.output, &mut self.output_bias);
        let output = rayon::iter::once(Work::LearnOutput(output.0, output.1, tiles, clock, update));
        let work = dense.chain(first).chain(output);
        work.with_max_len(1).for_each(|work| run(work, inputs));
    }

    fn pull(&mut self) {
        let (first, inputs) = (&self.first, &self.inputs);
        let input = self.input.par_iter_mut().map(|input| Work::Pull(input, first));
        input.with_max_len(1).for_each(|work| run(work, inputs));
    }

    /// Moves the embeddings of the block.
    fn move_embeddings(&mut self, block: &Block, update: &Update) {
        let Self { bag, clock, tables, contexts, input, gradients, .. } = self;
        let clock = &*clock;
        let panels = input.chunks_exact((input.len() / N_PARTS).max(1));
        let mut parts = tables.iter_mut().zip(panels).zip(gradients);
        let rows = [
            Rows::Items(contexts.items()),
            Rows::Perturbations(&block.pairs, bag),
            Rows::Items(&block.readouts),
        ];
        let moves = rows.map(|rows| {
            let part = parts.next();
            part.map(|((table, panels), buffer)| {
                let gradient = |row: usize, panel: usize| panels[panel].gradient(row);
                Move { table, clock, update, rows, gradient, buffer }
            })
        });
        let [contexts, pairs, readouts] = moves.map(|part| move || part.map(Move::run));
        rayon::join(pairs, || (contexts(), readouts()));
    }
}

/// Returns a weight and the bias behind it.
fn two(tensors: &mut [TensorState], at: usize) -> [&mut TensorState; 2] {
    let (head, tail) = tensors.split_at_mut(at + 1);
    [&mut head[at], &mut tail[0]]
}

/// What one thread does at a time.
enum Work<'a> {
    Project(&'a mut FirstPanel),
    CopyBack(&'a mut BackPanel, &'a [DensePanel]),
    Pass(&'a mut Tile, Layers<'a>, Part, f32),
    CopyInput(&'a mut InputPanel, &'a [FirstPanel]),
    LearnDense(&'a mut DensePanel, &'a [Tile], usize, usize, &'a Update),
    LearnFirst(&'a mut FirstPanel, &'a [Tile], usize, &'a Update),
    LearnOutput(&'a mut Table, &'a mut Table, &'a [Tile], &'a Clock, &'a Update),
    Pull(&'a mut InputPanel, &'a [FirstPanel]),
}

fn run(work: Work<'_>, inputs: &Inputs) {
    Arch::new().dispatch(Task(work, inputs));
}

/// Work with the instruction set of the machine.
struct Task<'a>(Work<'a>, &'a Inputs);

impl WithSimd for Task<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(work, inputs) = self;
        match work {
            Work::Project(first) => first.project(simd, inputs),
            Work::CopyBack(back, layer) => back.copy(layer),
            Work::Pass(tile, layers, part, error_scale) => {
                pass(simd, tile, layers, Dropout::new(part), error_scale);
            }
            Work::CopyInput(input, first) => input.copy(first),
            Work::LearnDense(dense, tiles, at, bias_at, update) => {
                dense.learn(simd, tiles, at, bias_at, update);
            }
            Work::LearnFirst(first, tiles, at, update) => {
                first.learn(simd, inputs, tiles, at, update);
            }
            Work::LearnOutput(weights, bias, tiles, clock, update) => {
                learn_output(simd, (weights, bias), tiles, clock, update);
            }
            Work::Pull(input, first) => input.pull(simd, inputs, first),
        }
    }
}

/// Gathers the gradient of the output's weights and bias from the tiles, and moves them.
#[inline(always)]
fn learn_output<S: Simd>(
    simd: S,
    (weights, bias): (&mut Table, &mut Table),
    tiles: &[Tile],
    clock: &Clock,
    update: &Update,
) {
    let Some((first, others)) = tiles.split_first() else { return };
    let mut gradient = first.output_sums.clone();
    for tile in others {
        for (sum, own) in gradient.iter_mut().zip(&tile.output_sums) {
            sum.add(simd, own);
        }
    }
    weights.step(0, clock, update, &gradient);
    let mut gradient = Line::ZERO;
    gradient.0[0] = tiles.iter().map(|tile| tile.output_bias_sum).sum();
    bias.step(0, clock, update, &[gradient]);
}
