use super::adam::{Parameter, Table};
use super::line::{Line, PANEL, n_panels};

/// Weights and moments of a run, tensor by tensor in the order of the model's specification, and the
/// optimiser's steps: what a checkpoint holds, independent of how an engine lays it out.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) struct State {
    pub(in crate::model) tensors: Vec<TensorState>,
    pub(in crate::model) steps: u64,
}

/// One weight tensor with AdamW's two moments, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::model) struct TensorState {
    pub(in crate::model) value: Vec<f32>,
    pub(in crate::model) first: Vec<f32>,
    pub(in crate::model) second: Vec<f32>,
}

impl State {
    /// Returns zeros in the shape of tensors of these lengths.
    pub(super) fn zeros(lengths: &[usize]) -> Self {
        let tensors = lengths.iter().map(|length| TensorState::new(vec![0.0; *length]));
        Self { tensors: tensors.collect(), steps: 0 }
    }
}

impl TensorState {
    /// Begins with these weights and moments of zero.
    pub(in crate::model) fn new(value: Vec<f32>) -> Self {
        let zeros = vec![0.0; value.len()];
        Self { first: zeros.clone(), second: zeros, value }
    }
}

/// Where the columns of a list of lines lie in a tensor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Position of the first line's first column.
    pub(super) start: usize,
    /// Distance of two lines.
    pub(super) line_stride: usize,
    /// Distance of two columns.
    pub(super) column_stride: usize,
    /// Lines that exist; those beyond are padding.
    pub(super) n_lines: usize,
    /// Columns that exist.
    pub(super) n_columns: usize,
}

impl Place {
    /// The columns of panel `panel` of a row-major matrix, a line per row.
    pub(super) fn rows(n_rows: usize, n_columns: usize, panel: usize) -> Self {
        Self {
            start: panel * PANEL,
            line_stride: n_columns,
            column_stride: 1,
            n_lines: n_rows,
            n_columns: n_columns.saturating_sub(panel * PANEL).min(PANEL),
        }
    }

    /// Outputs of panel `panel` of a linear layer's weight (outputs × `n_inputs`), a line per input in
    /// `from..from + n_lines`.
    pub(super) fn inputs(
        n_outputs: usize,
        n_inputs: usize,
        (from, n_lines): (usize, usize),
        panel: usize,
    ) -> Self {
        Self {
            start: panel * PANEL * n_inputs + from,
            line_stride: 1,
            column_stride: n_inputs,
            n_lines,
            n_columns: n_outputs.saturating_sub(panel * PANEL).min(PANEL),
        }
    }

    fn read<'a>(&self, values: &[f32], lines: impl Iterator<Item = &'a mut Line>) {
        for (at, line) in lines.take(self.n_lines).enumerate() {
            for (c, value) in line.0.iter_mut().take(self.n_columns).enumerate() {
                *value = values[self.start + at * self.line_stride + c * self.column_stride];
            }
        }
    }

    fn write<'a>(&self, lines: impl Iterator<Item = &'a Line>, values: &mut [f32]) {
        for (at, line) in lines.take(self.n_lines).enumerate() {
            for (c, value) in line.0.iter().take(self.n_columns).enumerate() {
                values[self.start + at * self.line_stride + c * self.column_stride] = *value;
            }
        }
    }
}

impl Parameter {
    /// Reads `n_lines` lines, padding included, from a tensor.
    pub(super) fn read(tensor: &TensorState, place: Place, n_lines: usize) -> Self {
        let mut parameter = Self::zeros(n_lines);
        place.read(&tensor.value, parameter.value.iter_mut());
        place.read(&tensor.first, parameter.first.iter_mut());
        place.read(&tensor.second, parameter.second.iter_mut());
        parameter
    }

    /// Writes its lines to where they belong in a tensor.
    pub(super) fn write(&self, place: Place, tensor: &mut TensorState) {
        place.write(self.value.iter(), &mut tensor.value);
        place.write(self.first.iter(), &mut tensor.first);
        place.write(self.second.iter(), &mut tensor.second);
    }
}

impl Table {
    /// Reads a table of rows of `n_columns`, all up to date with `steps`.
    pub(super) fn read(tensor: &TensorState, n_columns: usize, steps: u64) -> Self {
        let width = n_panels(n_columns);
        let n_rows = tensor.value.len() / n_columns.max(1);
        let mut all = Parameter::zeros(n_rows * width);
        for panel in 0..width {
            let place = Place::rows(n_rows, n_columns, panel);
            let every = |lines: &mut Vec<Line>, values: &[f32]| {
                place.read(values, lines.iter_mut().skip(panel).step_by(width));
            };
            every(&mut all.value, &tensor.value);
            every(&mut all.first, &tensor.first);
            every(&mut all.second, &tensor.second);
        }
        Self::new(all, width, steps)
    }

    /// Writes all rows, which must be up to date.
    pub(super) fn write(&self, n_columns: usize, tensor: &mut TensorState) {
        let width = n_panels(n_columns);
        let n_rows = tensor.value.len() / n_columns.max(1);
        let all = self.weights();
        for panel in 0..width {
            let place = Place::rows(n_rows, n_columns, panel);
            let every = |lines: &[Line], values: &mut [f32]| {
                place.write(lines.iter().skip(panel).step_by(width), values);
            };
            every(&all.value, &mut tensor.value);
            every(&all.first, &mut tensor.first);
            every(&all.second, &mut tensor.second);
        }
    }
}
