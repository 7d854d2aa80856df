use pulp::{Arch, Simd, WithSimd};

use super::adam::{Clock, Table, Update};
use super::line::{Line, PANEL, clear};
use super::slots::Slots;
use crate::model::bag::EmbeddingBag;

/// The rows of a table that meet in a step, one after the other or, for perturbations, as the means of
/// the rows of their agents.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    Items(&'a [u32]),
    Perturbations(&'a [(u32, u32)], &'a EmbeddingBag),
    Contexts(&'a [(u32, u32)]),
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::Perturbations(pairs, _) | Self::Contexts(pairs) => pairs.len(),
        }
    }

    /// Calls `visit(row, item, share)` for each row of the table that is part of a row of the step.
    #[inline(always)]
    fn for_each(&self, mut visit: impl FnMut(usize, u32, f32)) {
        match self {
            Self::Items(items) => {
                items.iter().enumerate().for_each(|(row, item)| visit(row, *item, 1.0));
            }
            Self::Contexts(pairs) => {
                let contexts = pairs.iter().map(|(_, context)| context).enumerate();
                contexts.for_each(|(row, context)| visit(row, *context, 1.0));
            }
            Self::Perturbations(pairs, bag) => {
                for (row, (perturbation, _)) in pairs.iter().enumerate() {
                    let tokens = bag.tokens(*perturbation as usize);
                    let share = 1.0 / tokens.len() as f32;
                    tokens.iter().for_each(|token| visit(row, *token, share));
                }
            }
        }
    }
}

/// Embeddings that meet in a step.
#[derive(Debug, Default)]
pub(super) struct InputPart {
    n_rows: usize,
    /// Lines of a panel: the rows, rounded up.
    height: usize,
    /// Panel after panel.
    lines: Vec<Line>,
}

impl InputPart {
    /// Makes room for rows of zeros.
    #[inline(always)]
    pub(super) fn begin(&mut self, n_rows: usize, n_panels: usize) {
        (self.n_rows, self.height) = (n_rows, n_rows.next_multiple_of(PANEL));
        clear(&mut self.lines, self.height * n_panels);
    }

    /// Adds a share of an embedding to a row.
    #[inline(always)]
    pub(super) fn add<S: Simd>(&mut self, simd: S, row: usize, embedding: &[Line], share: f32) {
        for (panel, line) in embedding.iter().enumerate() {
            self.lines[panel * self.height + row].add_scaled(simd, line, share);
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Returns one panel of all rows, rounded up to whole panels.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[Line] {
        &self.lines[panel * self.height..(panel + 1) * self.height]
    }
}

/// Brings the rows of a step up to date and copies them.
pub(super) struct Gather<'a> {
    pub(super) table: &'a mut Table,
    pub(super) clock: &'a Clock,
    pub(super) rows: Rows<'a>,
    pub(super) input: &'a mut InputPart,
}

impl Gather<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Gather<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { table, clock, rows, input } = self;
        input.begin(rows.len(), table.width());
        rows.for_each(
            #[inline(always)]
            |row, item, share| input.add(simd, row, table.row(item as usize, clock), share),
        );
    }
}

/// Moves the rows of a step by their gradients.
pub(super) struct Move<'a, G> {
    pub(super) table: &'a mut Table,
    pub(super) clock: &'a Clock,
    pub(super) update: &'a Update,
    pub(super) rows: Rows<'a>,
    /// Returns a panel of the gradient of one of the step's rows.
    pub(super) gradient: G,
    pub(super) buffer: &'a mut GradientBuffer,
}

/// Gradients of distinct rows of a table.
#[derive(Debug)]
pub(super) struct GradientBuffer {
    items: Slots,
    lines: Vec<Line>,
}

impl GradientBuffer {
    pub(super) fn new(n_items: usize) -> Self {
        Self { items: Slots::new(n_items), lines: Vec::new() }
    }
}

impl<'a, G: Fn(usize, usize) -> &'a Line> Move<'_, G> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl<'a, G: Fn(usize, usize) -> &'a Line> WithSimd for Move<'_, G> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { table, clock, update, rows, gradient, buffer } = self;
        let GradientBuffer { items, lines } = buffer;
        let width = table.width();
        items.begin();
        lines.clear();
        rows.for_each(
            #[inline(always)]
            |row, item, share| {
                let start = items.number(item) as usize * width;
                if start == lines.len() {
                    lines.resize(start + width, Line::ZERO);
                }
                for (panel, line) in lines[start..start + width].iter_mut().enumerate() {
                    line.add_scaled(simd, gradient(row, panel), share);
                }
            },
        );
        for (item, gradient) in items.items().iter().zip(lines.chunks_exact(width)) {
            table.step(*item as usize, clock, update, gradient);
        }
    }
}
