use std::path::Path;

use super::file::{SectionFile, SectionWriter};
use super::given_vectors::GivenVectors;
use crate::dataset::Dataset;
use crate::embedding::Centring;
use crate::error::{Error, Result};
use crate::experiment::Side;

/// How the vectors of an index were made of those that were given: `vector-space.bin`, by which others are added.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VectorSpace {
    /// Names of the dimensions, in the order of a vector's numbers.
    pub(crate) dimensions: Vec<String>,
    /// Names of the contexts, in order.
    pub(crate) contexts: Vec<String>,
    /// How the vectors are compared.
    pub(crate) given: GivenVectors,
    /// Mean of each dimension in each context, row-major; zero for a context with one profile.
    context_means: Vec<f32>,
    centring: Centring,
}

impl VectorSpace {
    pub(super) fn new(
        dataset: &Dataset,
        given: GivenVectors,
        context_means: Vec<f32>,
        centring: Centring,
    ) -> Self {
        Self {
            dimensions: dataset.readouts.iter().map(|readout| readout.0.clone()).collect(),
            contexts: dataset.contexts.iter().map(|context| context.0.clone()).collect(),
            given,
            context_means,
            centring,
        }
    }

    /// Returns the unit vector of a perturbation of a side, from its vectors in one or more contexts, each with the
    /// position of its context and a number or NaN for each dimension.
    ///
    /// # Errors
    /// When there is none, one has another length, or their mean is that of the side.
    pub(crate) fn place(&self, side: Side, profiles: &[(u32, &[f32])]) -> Result<Vec<f32>> {
        let dim = self.dimensions.len();
        let mut sums = vec![0.0_f64; dim];
        for (context, values) in profiles {
            let start = *context as usize * dim;
            let means = self.context_means.get(start..start + dim).unwrap_or_default();
            let deviation = self.given.deviation(values, means);
            if deviation.len() != dim {
                let problem = format!("{} numbers are no vector of {dim}", values.len());
                return Err(Error::data("vector", problem, "give one for each dimension"));
            }
            sums.iter_mut().zip(deviation).for_each(|(sum, value)| *sum += f64::from(value));
        }
        let n = profiles.len() as f64;
        let mean: Vec<f32> = sums.into_iter().map(|sum| (sum / n) as f32).collect();
        self.centring.apply(side, &[&mean], 0)
    }

    /// Writes `vector-space.bin`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut writer = SectionWriter::create(path, "vector-space")?;
        writer.section_bytes("dimensions", self.dimensions.join("\n").as_bytes())?;
        writer.section_bytes("contexts", self.contexts.join("\n").as_bytes())?;
        let is_centred = self.given == GivenVectors::Centred;
        writer.section_u32("centred", &[u32::from(is_centred)])?;
        writer.section_f32("context-means", &self.context_means)?;
        for side in [Side::Chemical, Side::Genetic] {
            writer.section_f32(&format!("centre-{side}"), self.centring.means(side))?;
        }
        writer.finish()
    }

    /// Reads `vector-space.bin`.
    ///
    /// # Errors
    /// When the file is damaged, of a newer format, or its parts do not fit each other.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = SectionFile::open(path, "vector-space")?;
        let names = |section: &str| -> Result<Vec<String>> {
            let text = String::from_utf8_lossy(file.section_bytes(section)?).into_owned();
            Ok(text.split('\n').map(str::to_owned).collect())
        };
        let centre = |side| Ok::<_, Error>(file.section_f32(&format!("centre-{side}"))?.to_vec());
        let (dimensions, contexts) = (names("dimensions")?, names("contexts")?);
        let context_means = file.section_f32("context-means")?.to_vec();
        let (chemical, genetic) = (centre(Side::Chemical)?, centre(Side::Genetic)?);
        let fits = context_means.len() == dimensions.len() * contexts.len()
            && chemical.len() == dimensions.len();
        if !fits {
            return Err(file.damaged("its means are not one for each dimension"));
        }
        let given = match file.section_u32("centred")? {
            [0] => GivenVectors::AsTheyAre,
            _ => GivenVectors::Centred,
        };
        let centring = Centring::from_means(dimensions.len(), chemical, genetic)?;
        Ok(Self { dimensions, contexts, given, context_means, centring })
    }
}
