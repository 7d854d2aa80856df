use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var, bail};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// AdamW (Loshchilov & Hutter 2019, decoupled weight decay) by PyTorch's formula and defaults
/// β = (0.9, 0.999), ε = 1e-8.
///
/// Its moments can be saved and restored, which candle_nn's cannot, and on the CPU each update is one
/// pass over memory instead of a dozen temporaries.
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
            let gradient = gradient.contiguous()?;
            if parameter.device().is_cpu() {
                moments.first.inplace_op2(&gradient, &Blend { beta: BETA_1, square: false })?;
                moments.second.inplace_op2(&gradient, &Blend { beta: BETA_2, square: true })?;
                parameter.inplace_op3(&moments.first, &moments.second, &update)?;
            } else {
                update.apply_by_tensors(parameter, moments, &gradient)?;
            }
        }
        Ok(())
    }
}

/// m ← β·m + (1 − β)·g, or with g² for the second moment.
struct Blend {
    beta: f64,
    square: bool,
}

impl InplaceOp2 for Blend {
    fn name(&self) -> &'static str {
        "adamw-moment"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        let (moment, gradient) = (values_mut(s1, l1)?, values(s2, l2)?);
        let (beta, rest) = (self.beta as f32, (1.0 - self.beta) as f32);
        let pairs = moment.iter_mut().zip(gradient);
        if self.square {
            pairs.for_each(|(m, g)| *m = beta * *m + rest * g * g);
        } else {
            pairs.for_each(|(m, g)| *m = beta * *m + rest * g);
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
    /// The same arithmetic in tensor operations, for devices without a kernel of our own.
    fn apply_by_tensors(
        &self,
        parameter: &Var,
        moments: &mut Moments,
        gradient: &Tensor,
    ) -> Result<()> {
        let blend = |old: &Tensor, new: &Tensor, beta: f64| (old * beta)? + (new * (1.0 - beta))?;
        moments.first = blend(&moments.first, gradient, BETA_1)?;
        moments.second = blend(&moments.second, &gradient.sqr()?, BETA_2)?;
        let denominator = ((moments.second.sqrt()? * self.second_scale)? + EPSILON)?;
        let change = (moments.first.div(&denominator)? * self.step_size)?;
        parameter.set(&((parameter.as_tensor() * self.keep)? - change)?)
    }
}

impl InplaceOp3 for Update {
    fn name(&self) -> &'static str {
        "adamw-update"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let (keep, step, scale) =
            (self.keep as f32, self.step_size as f32, self.second_scale as f32);
        let moments = values(s2, l2)?.iter().zip(values(s3, l3)?);
        for (weight, (first, second)) in values_mut(s1, l1)?.iter_mut().zip(moments) {
            *weight = keep * *weight - step * first / (second.sqrt() * scale + EPSILON as f32);
        }
        Ok(())
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("AdamW needs contiguous f32 tensors"),
    }
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("AdamW needs contiguous f32 tensors"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_fused_update_equals_the_tensor_formula() {
        let start = [0.5_f32, -1.0, 2.0, 0.0];
        let fused = Var::new(&start, &Device::Cpu).unwrap();
        let plain = Var::new(&start, &Device::Cpu).unwrap();
        let mut optimiser = AdamW::new(std::slice::from_ref(&fused), 0.01).unwrap();
        let zeros = || Tensor::zeros(4, candle_core::DType::F32, &Device::Cpu).unwrap();
        let mut moments = Moments { first: zeros(), second: zeros() };
        for step in 1..=5 {
            let gradients = fused.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let gradient = gradients.get(&fused).unwrap().clone();
            optimiser.step(std::slice::from_ref(&fused), &gradients, 0.1).unwrap();
            let update = Update {
                keep: 1.0 - 0.1 * 0.01,
                step_size: 0.1 / (1.0 - BETA_1.powi(step)),
                second_scale: 1.0 / (1.0 - BETA_2.powi(step)).sqrt(),
            };
            update.apply_by_tensors(&plain, &mut moments, &gradient).unwrap();
        }
        let (fused, plain) = (fused.to_vec1::<f32>().unwrap(), plain.to_vec1::<f32>().unwrap());
        assert!(fused.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-6), "{fused:?} {plain:?}");
    }
}
