use std::collections::HashMap;

use super::task::{DirectedTask, gene_of, readout_means};
use crate::dataset::Dataset;
use crate::embedding::ResponsePredictor;
use crate::error::Result;
use crate::network::directed::{DirectedNetwork, ResponseMatrix};

/// What a method says of every gene and readout of a task, in the direction of the assay held out: 0 where it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedPrediction {
    /// The method.
    pub name: String,
    /// Genes × readouts of the task.
    pub values: Vec<f64>,
}

/// An edge of a directed network that the assay held out measured too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedEdge {
    /// Position of the pair in [`DirectedTask::truth`].
    pub pair: usize,
    /// Its score, in the direction of the assay held out.
    pub z: f64,
    /// Its p-value.
    pub p_value: f64,
    /// Its q-value.
    pub q_value: f64,
}

impl JudgedEdge {
    /// Returns the edges of a network that are pairs of a task, in the network's order: the surest first.
    #[must_use]
    pub fn of_network(task: &DirectedTask, network: &DirectedNetwork) -> Vec<Self> {
        let genes = task.gene_positions();
        let readouts: HashMap<&str, usize> =
            task.readouts().iter().map(String::as_str).zip(0..).collect();
        let judged = network.joined().filter_map(|(edge, source, target)| {
            let perturbation = &source.record.perturbation;
            let gene = genes.get(gene_of(perturbation)?)?;
            let readout = readouts.get(target.symbol.as_str())?;
            let sign = task.sign_of(perturbation.perturbation_type())?;
            Some(Self {
                pair: gene * task.readouts().len() + readout,
                z: sign * edge.z,
                p_value: edge.p_value,
                q_value: edge.q_value,
            })
        });
        judged.collect()
    }
}

impl DirectedPrediction {
    /// Takes of each pair the surest edge of a network with all pairs.
    #[must_use]
    pub fn of_edges(name: &str, task: &DirectedTask, edges: &[JudgedEdge]) -> Self {
        let mut values = vec![0.0; task.truth().len()];
        for edge in edges.iter().rev().filter(|edge| !edge.z.is_nan()) {
            if let Some(value) = values.get_mut(edge.pair) {
                *value = edge.z;
            }
        }
        Self { name: name.to_owned(), values }
    }
}

/// The profiles of perturbed genes that a model was trained on, which say something of a task's genes by themselves.
#[derive(Debug)]
pub struct ProfilesOf<'a> {
    task: &'a DirectedTask,
    dataset: &'a Dataset,
    /// Of each readout of the task its position in the dataset.
    columns: Vec<Option<usize>>,
}

impl<'a> ProfilesOf<'a> {
    /// Takes the dataset that was trained on.
    #[must_use]
    pub fn new(task: &'a DirectedTask, dataset: &'a Dataset) -> Self {
        let known: HashMap<&str, usize> =
            dataset.readouts.iter().map(|readout| readout.0.as_str()).zip(0..).collect();
        let columns = task.readouts().iter().map(|name| known.get(name.as_str()).copied());
        Self { task, dataset, columns: columns.collect() }
    }

    /// Returns the mean of a gene's measured profiles, 0 where none has a value.
    #[must_use]
    pub fn measured(&self) -> DirectedPrediction {
        let rows = self.genetic().map(|profile| (profile, self.dataset.profiles.row(profile)));
        self.mean_of("measured", rows)
    }

    /// Returns the same of profiles less the readouts' means in their contexts.
    #[must_use]
    pub fn centred(&self) -> DirectedPrediction {
        let keys = self.dataset.profiles.keys();
        let means: Vec<Vec<f32>> = (0..self.dataset.contexts.len() as u32)
            .map(|context| {
                let here = self.genetic().filter(|profile| keys[*profile].context == context);
                let rows: Vec<Vec<f32>> =
                    here.map(|profile| self.dataset.profiles.row(profile)).collect();
                readout_means(rows.iter(), self.dataset.readouts.len())
            })
            .collect();
        let rows = self.genetic().map(|profile| {
            let means = &means[keys[profile].context as usize];
            let mut row = self.dataset.profiles.row(profile);
            row.iter_mut().zip(means).for_each(|(value, mean)| *value -= mean);
            (profile, row)
        });
        self.mean_of("measured, centred", rows)
    }

    /// Returns each readout's mean over all genes, which knows nothing of the one that is perturbed.
    #[must_use]
    pub fn readout_mean(&self) -> DirectedPrediction {
        let signed: Vec<Vec<f32>> = self
            .genetic()
            .filter_map(|profile| {
                let sign = self.sign(profile)? as f32;
                Some(self.dataset.profiles.row(profile).iter().map(|value| sign * value).collect())
            })
            .collect();
        let means = readout_means(signed.iter(), self.dataset.readouts.len());
        let of_readout = |column: &Option<usize>| {
            column.map(|at| f64::from(means[at])).filter(|mean| !mean.is_nan()).unwrap_or_default()
        };
        let row: Vec<f64> = self.columns.iter().map(of_readout).collect();
        let values = row.iter().copied().cycle().take(self.task.truth().len()).collect();
        DirectedPrediction { name: "readout mean".to_owned(), values }
    }

    /// Returns what a predictor says that has the profiles at hand, in the contexts in which a gene was measured,
    /// standardised as the responses of a network are.
    ///
    /// # Errors
    /// When a prediction fails.
    pub fn predicted(&self, predictor: &ResponsePredictor) -> Result<DirectedPrediction> {
        let keys = self.dataset.profiles.keys();
        let profiles: Vec<usize> = self.genetic().collect();
        let (mut values, mut types) = (Vec::new(), Vec::new());
        for profile in &profiles {
            let key = keys[*profile];
            values.extend(predictor.predict(key.perturbation, key.context)?.values);
            types.push(self.dataset.perturbations[key.perturbation as usize].perturbation_type());
        }
        let n_readouts = self.dataset.readouts.len();
        let scores = ResponseMatrix::new(values, n_readouts, types)?.scores();
        let rows = profiles.into_iter().zip(scores.chunks_exact(n_readouts).map(<[f32]>::to_vec));
        Ok(self.mean_of("profiles and model", rows))
    }

    /// The profiles of single genes.
    fn genetic(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.dataset.profiles.n_profiles()).filter(|profile| self.gene(*profile).is_some())
    }

    fn gene(&self, profile: usize) -> Option<&str> {
        let key = self.dataset.profiles.keys().get(profile)?;
        gene_of(self.dataset.perturbations.get(key.perturbation as usize)?)
    }

    fn sign(&self, profile: usize) -> Option<f64> {
        let key = self.dataset.profiles.keys().get(profile)?;
        let perturbation = self.dataset.perturbations.get(key.perturbation as usize)?;
        self.task.sign_of(perturbation.perturbation_type())
    }

    /// Averages a gene's rows, each in the direction of the assay held out.
    fn mean_of(
        &self,
        name: &str,
        rows: impl Iterator<Item = (usize, Vec<f32>)>,
    ) -> DirectedPrediction {
        let genes = self.task.gene_positions();
        let n = self.task.readouts().len();
        let mut sums = vec![(0.0, 0.0); self.task.truth().len()];
        for (profile, row) in rows {
            let gene = self.gene(profile).and_then(|gene| genes.get(gene));
            let Some((gene, sign)) = gene.zip(self.sign(profile)) else { continue };
            for (sum, column) in sums[gene * n..(gene + 1) * n].iter_mut().zip(&self.columns) {
                let value = column.map_or(f32::NAN, |at| row[at]);
                if !value.is_nan() {
                    *sum = (sum.0 + sign * f64::from(value), sum.1 + 1.0);
                }
            }
        }
        let mean = |(sum, n): (f64, f64)| if n > 0.0 { sum / n } else { 0.0 };
        DirectedPrediction { name: name.to_owned(), values: sums.into_iter().map(mean).collect() }
    }
}
