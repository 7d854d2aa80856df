use super::line::{Line, PANEL};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// From here on the bias corrections hardly change within the memory of the first moment.
const STEADY: u64 = 2_000;
/// Steps after which a first moment has nothing left to say: (β₁/√β₂)¹⁰⁰ = 3·10⁻⁵.
const MEMORY: u64 = 100;

/// The steps of an AdamW optimiser (Loshchilov & Hutter 2019; PyTorch's formula and defaults).
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) steps: u64,
    weight_decay: f64,
    learning_rate: f64,
}

/// The factors of one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Update {
    keep: f32,
    step_size: f32,
    second_scale: f32,
}

/// The factors of several steps in which a weight had no gradient.
#[derive(Debug, Clone, Copy)]
struct CatchUp {
    keep: f32,
    momentum: f32,
    epsilon: f32,
    first: f32,
    second: f32,
}

impl Clock {
    pub(super) fn new(steps: u64, weight_decay: f64) -> Self {
        Self { steps, weight_decay, learning_rate: 0.0 }
    }

    /// Begins the next step. The learning rate may change only when all rows are up to date.
    pub(super) fn tick(&mut self, learning_rate: f64) -> Update {
        self.steps += 1;
        self.learning_rate = learning_rate;
        Update {
            keep: (1.0 - learning_rate * self.weight_decay) as f32,
            step_size: (learning_rate / (1.0 - power(BETA_1, self.steps))) as f32,
            second_scale: (1.0 / (1.0 - power(BETA_2, self.steps)).sqrt()) as f32,
        }
    }

    /// What the momentum of a weight moves it by in step `step`, in units of m/√v.
    fn momentum(&self, step: u64) -> f64 {
        self.learning_rate * (1.0 - power(BETA_2, step)).sqrt() / (1.0 - power(BETA_1, step))
    }

    /// Returns what dense AdamW does to a weight in the steps after `seen` up to `now`, all without gradient.
    fn catch_up(&self, seen: u64, now: u64) -> CatchUp {
        let n = now - seen;
        let keep = 1.0 - self.learning_rate * self.weight_decay;
        let ratio = BETA_1 / BETA_2.sqrt() / keep;
        let sum = if seen >= STEADY {
            self.momentum(seen + 1) * ratio * (1.0 - power(ratio, n)) / (1.0 - ratio)
        } else {
            let mut weight = 1.0;
            let moved = (1..=n.min(MEMORY)).map(|step| {
                weight *= ratio;
                weight * self.momentum(seen + step)
            });
            moved.sum()
        };
        CatchUp {
            keep: power(keep, n) as f32,
            momentum: (power(keep, n) * sum) as f32,
            epsilon: (EPSILON * (1.0 - power(BETA_2, now)).sqrt()) as f32,
            first: power(BETA_1, n) as f32,
            second: power(BETA_2, n) as f32,
        }
    }
}

fn power(base: f64, exponent: u64) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

/// Weights and the running means of their gradients and of their squares.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameter {
    pub(super) value: Vec<Line>,
    pub(super) first: Vec<Line>,
    pub(super) second: Vec<Line>,
}

impl Parameter {
    pub(super) fn zeros(n_lines: usize) -> Self {
        let zeros = || vec![Line::ZERO; n_lines];
        Self { value: zeros(), first: zeros(), second: zeros() }
    }

    /// Moves all weights.
    #[inline(always)]
    pub(super) fn step(&mut self, update: &Update, gradient: &[Line]) {
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((value, (first, second)), gradient) in self.value.iter_mut().zip(moments).zip(gradient)
        {
            update.apply(value, first, second, gradient);
        }
    }
}

impl Update {
    #[inline(always)]
    fn apply(&self, value: &mut Line, first: &mut Line, second: &mut Line, gradient: &Line) {
        let (beta_1, beta_2) = (BETA_1 as f32, BETA_2 as f32);
        for c in 0..PANEL {
            let g = gradient.0[c];
            first.0[c] = beta_1 * first.0[c] + (1.0 - BETA_1) as f32 * g;
            second.0[c] = beta_2 * second.0[c] + (1.0 - BETA_2) as f32 * g * g;
            let size = second.0[c].sqrt() * self.second_scale + EPSILON as f32;
            value.0[c] = self.keep * value.0[c] - self.step_size * first.0[c] / size;
        }
    }
}

/// An embedding table whose rows pay for the optimiser only when they are used.
///
/// A row that was not used for a while is brought up to date first, by the closed form of what AdamW
/// does without gradients: its decay, and the steps that its momentum still makes. So the weights are those of
/// dense AdamW at the price of sparse updates, up to three roundings: ε is that of the last step, momentum counts
/// for 100 steps, and after 2,000 the bias corrections stand still while it lasts.
#[derive(Debug, Clone)]
pub(super) struct Table {
    weights: Parameter,
    /// Lines of a row.
    width: usize,
    /// Per row: the step up to which it is up to date.
    seen: Vec<u64>,
}

impl Table {
    pub(super) fn new(weights: Parameter, width: usize, steps: u64) -> Self {
        let n_rows = weights.value.len() / width.max(1);
        Self { weights, width, seen: vec![steps; n_rows] }
    }

    /// Returns how many lines a row has.
    #[inline(always)]
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Returns all weights; up to date after [`catch_up_all`](Self::catch_up_all).
    pub(super) fn weights(&self) -> &Parameter {
        &self.weights
    }

    /// Brings a row up to date with all finished steps, and returns it.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize, clock: &Clock) -> &[Line] {
        let (lines, seen) = (row * self.width..(row + 1) * self.width, self.seen[row]);
        if seen < clock.steps {
            let factors = clock.catch_up(seen, clock.steps);
            for at in lines.clone() {
                let (first, second) =
                    (&mut self.weights.first[at].0, &mut self.weights.second[at].0);
                let value = &mut self.weights.value[at].0;
                for c in 0..PANEL {
                    let step = factors.momentum * first[c] / (second[c].sqrt() + factors.epsilon);
                    value[c] = factors.keep * value[c] - step;
                    first[c] *= factors.first;
                    second[c] *= factors.second;
                }
            }
            self.seen[row] = clock.steps;
        }
        &self.weights.value[lines]
    }

    /// Makes the clock's current step on one row, which must be up to date with the steps before.
    #[inline(always)]
    pub(super) fn step(&mut self, row: usize, clock: &Clock, update: &Update, gradient: &[Line]) {
        let at = row * self.width;
        for (at, gradient) in (at..at + self.width).zip(gradient) {
            update.apply(
                &mut self.weights.value[at],
                &mut self.weights.first[at],
                &mut self.weights.second[at],
                gradient,
            );
        }
        self.seen[row] = clock.steps;
    }

    /// Brings all rows up to date.
    pub(super) fn catch_up_all(&mut self, clock: &Clock) {
        (0..self.seen.len()).for_each(|row| {
            self.row(row, clock);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row is used in some steps; dense AdamW gives it a zero gradient in all others.
    #[test]
    fn a_row_that_catches_up_equals_dense_adamw() {
        for start in [0_u64, 5_000] {
            let begin = Parameter {
                value: vec![Line(std::array::from_fn(|c| c as f32 / 16.0 - 1.0))],
                ..Parameter::zeros(1)
            };
            let mut dense = begin.clone();
            let mut lazy = Table::new(begin, 1, start);
            let mut clock = Clock::new(start, 0.1);
            for step in 0..400_u64 {
                let is_used = step < 3 || step % 7 == 0 || step == 399;
                let scale = if is_used { 1e-3 * (step as f32 * 0.37).sin() } else { 0.0 };
                let gradient = [Line(std::array::from_fn(|c| scale * (c as f32 - 9.3)))];
                if is_used {
                    lazy.row(0, &clock);
                }
                let update = clock.tick(0.005);
                dense.step(&update, &gradient);
                if is_used {
                    lazy.step(0, &clock, &update, &gradient);
                }
            }
            for (a, b) in lazy.weights.value[0].0.iter().zip(&dense.value[0].0) {
                assert!((a - b).abs() < 2e-4, "{a} {b} from step {start}");
            }
        }
    }
}
