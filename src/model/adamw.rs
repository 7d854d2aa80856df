use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// AdamW (Loshchilov & Hutter 2019, decoupled weight decay) by PyTorch's formula and defaults
/// β = (0.9, 0.999), ε = 1e-8.
///
/// Its moments can be saved and restored, which candle_nn's cannot.
#[derive(Debug)]
pub(super) struct AdamW {
    pub(super) moments: Vec<Moments>,
    pub(super) steps: u64,
    weight_decay: f64,
}

/// Running means of a parameter's gradient and of its square.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) first: Tensor,
    pub(super) second: Tensor,
}

impl AdamW {
    pub(super) fn new(parameters: &[Var], weight_decay: f64) -> Result<Self> {
        let zeros = |parameter: &Var| {
            let zeros = || Tensor::zeros(parameter.shape(), parameter.dtype(), parameter.device());
            Ok(Moments { first: zeros()?, second: zeros()? })
        };
        let moments = parameters.iter().map(zeros).collect::<Result<_>>()?;
        Ok(Self { moments, steps: 0, weight_decay })
    }

    /// Moves every parameter that has a gradient.
    pub(super) fn step(
        &mut self,
        parameters: &[Var],
        gradients: &GradStore,
        learning_rate: f64,
    ) -> Result<()> {
        self.steps += 1;
        let exponent = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let update = Update {
            keep: 1.0 - learning_rate * self.weight_decay,
            step_size: learning_rate / (1.0 - BETA_1.powi(exponent)),
            second_scale: 1.0 / (1.0 - BETA_2.powi(exponent)).sqrt(),
        };
        for (parameter, moments) in parameters.iter().zip(&mut self.moments) {
            let Some(gradient) = gradients.get(parameter) else { continue };
            update.apply(parameter, moments, gradient)?;
        }
        Ok(())
    }
}

/// w ← keep·w − step_size · m / (√v · second_scale + ε).
struct Update {
    keep: f64,
    step_size: f64,
    second_scale: f64,
}

impl Update {
    fn apply(&self, parameter: &Var, moments: &mut Moments, gradient: &Tensor) -> Result<()> {
        let blend = |old: &Tensor, new: &Tensor, beta: f64| (old * beta)? + (new * (1.0 - beta))?;
        moments.first = blend(&moments.first, gradient, BETA_1)?;
        moments.second = blend(&moments.second, &gradient.sqr()?, BETA_2)?;
        let denominator = ((moments.second.sqrt()? * self.second_scale)? + EPSILON)?;
        let change = (moments.first.div(&denominator)? * self.step_size)?;
        parameter.set(&((parameter.as_tensor() * self.keep)? - change)?)
    }
}
