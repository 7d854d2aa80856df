use candle_core::{Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Uniform};

use crate::error::{Error, Result};
use crate::model::config::{Head, LpmConfig};
use crate::model::device::engine;
use crate::model::randomness::{Purpose, stream};
use crate::model::vocabulary::Vocabularies;

/// Rows of the three embedding tables.
#[derive(Debug, Clone, Copy)]
pub(in crate::model) struct TableSizes {
    pub(in crate::model) tokens: usize,
    pub(in crate::model) contexts: usize,
    pub(in crate::model) readouts: usize,
}

impl From<&Vocabularies> for TableSizes {
    fn from(vocabularies: &Vocabularies) -> Self {
        Self {
            tokens: vocabularies.tokens.len(),
            contexts: vocabularies.contexts.len(),
            readouts: vocabularies.readouts.len(),
        }
    }
}

/// A weight tensor before it has values.
#[derive(Debug, Clone)]
pub(in crate::model) struct Specification {
    pub(in crate::model) name: String,
    pub(in crate::model) shape: Vec<usize>,
    start: Start,
}

/// How the first values of a weight are drawn.
#[derive(Debug, Clone, Copy)]
enum Start {
    Normal { mean: f32, deviation: f32 },
    Uniform { bound: f32 },
    Zero,
}

/// Lists the weights of a model, in the order in which they are drawn and stored.
pub(in crate::model) fn specification(config: &LpmConfig, sizes: TableSizes) -> Vec<Specification> {
    let d = config.embedding_dim;
    let deviation = config.embedding_scale as f32;
    let table = |name: &str, rows: usize, mean: f32| Specification {
        name: format!("{name}.weight"),
        shape: vec![rows, d],
        start: Start::Normal { mean, deviation },
    };
    // a(C) multiplies, so it starts about 1; as an addend of [zC; zP; zR] zC starts about 0.
    let context_mean = if config.head == Head::Product { 1.0 } else { 0.0 };
    let mut list = vec![
        table("perturbations", sizes.tokens, 0.0),
        table("contexts", sizes.contexts, context_mean),
        table("readouts", sizes.readouts, 0.0),
    ];
    match config.head {
        Head::Product => list.push(Specification {
            name: "contexts.bias".to_owned(),
            shape: vec![sizes.contexts, 1],
            start: Start::Zero,
        }),
        Head::Concat => {
            let mut inputs = 3 * d;
            for (layer, outputs) in config.hidden_widths.iter().enumerate() {
                list.extend(linear(&format!("layers.{layer}"), inputs, *outputs));
                inputs = *outputs;
            }
            list.extend(linear("output", inputs, 1));
        }
    }
    list
}

/// Xavier-uniform weights with ReLU's gain √2 (Glorot & Bengio 2010), biases by PyTorch's default.
fn linear(name: &str, inputs: usize, outputs: usize) -> [Specification; 2] {
    let bound = (2.0 * 6.0 / (inputs + outputs) as f32).sqrt();
    [
        Specification {
            name: format!("{name}.weight"),
            shape: vec![outputs, inputs],
            start: Start::Uniform { bound },
        },
        Specification {
            name: format!("{name}.bias"),
            shape: vec![outputs],
            start: Start::Uniform { bound: 1.0 / (inputs as f32).sqrt() },
        },
    ]
}

impl Specification {
    pub(in crate::model) fn n_values(&self) -> usize {
        self.shape.iter().product()
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Result<Vec<f32>> {
        let n = self.n_values();
        let draw = Error::engine::<rand_distr::NormalError>("rand_distr", "draw starting weights");
        Ok(match self.start {
            Start::Zero => vec![0.0; n],
            Start::Normal { mean, deviation } => {
                Normal::new(mean, deviation).map_err(draw)?.sample_iter(rng).take(n).collect()
            }
            Start::Uniform { bound } => Uniform::new_inclusive(-bound, bound)
                .map_err(Error::engine("rand_distr", "draw starting weights"))?
                .sample_iter(rng)
                .take(n)
                .collect(),
        })
    }
}

/// Named weight tensors in the order of their specification.
#[derive(Debug)]
pub(in crate::model) struct Weights {
    names: Vec<String>,
    variables: Vec<Var>,
}

impl Weights {
    /// Draws the starting weights of `config.seed`.
    pub(in crate::model) fn draw(config: &LpmConfig, sizes: TableSizes) -> Result<Self> {
        let mut rng = stream(config.seed, 0, Purpose::Weights);
        Self::build(config, sizes, &Device::Cpu, |specification| specification.draw(&mut rng))
    }

    /// Builds the weights from values given per specification, on a device.
    pub(in crate::model) fn build(
        config: &LpmConfig,
        sizes: TableSizes,
        device: &Device,
        mut values: impl FnMut(&Specification) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let mut weights = Self { names: Vec::new(), variables: Vec::new() };
        for item in specification(config, sizes) {
            let values = values(&item)?;
            let variable = Var::from_vec(values, item.shape.as_slice(), device)
                .map_err(engine("create weights"))?;
            weights.names.push(item.name);
            weights.variables.push(variable);
        }
        Ok(weights)
    }

    /// Returns the values of each weight, row-major, in the order of the specification.
    pub(in crate::model) fn values(&self) -> Result<Vec<Vec<f32>>> {
        let values = |weight: &Var| weight.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
        let all = self.variables.iter().map(values).collect::<candle_core::Result<_>>();
        all.map_err(engine("copy weights"))
    }

    pub(in crate::model) fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Returns each weight with its name.
    pub(in crate::model) fn named(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(self.variables.iter().map(Var::as_tensor))
    }

    /// Returns the weight of a name.
    pub(in crate::model) fn find(&self, name: &str) -> Result<Var> {
        let position = self.names.iter().position(|known| known == name);
        position.and_then(|position| self.variables.get(position)).cloned().ok_or_else(|| {
            let what = format!("weight `{name}`");
            Error::data(what, "the model has no such tensor", "train the model again")
        })
    }
}
