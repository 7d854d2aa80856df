use std::collections::HashMap;

use rayon::prelude::*;

use super::comoments::Comoments;
use super::group::Collecting;
use super::held_out::{HeldOutCells, PerturbedGene, perturbed_genes};
use crate::dataset::contrast::factor;
use crate::dataset::gather::{Measured, no_count};
use crate::dataset::naming::SampleKeys;
use crate::dataset::recipe::{Assay, AssayLayout};
use crate::dataset::samples::SampleScale;
use crate::dataset::screen::FileAxes;
use crate::dataset::source::Source;
use crate::dataset::{Dataset, Samples};
use crate::error::Result;
use crate::experiment::Side;
use crate::table::{Condition, SampleKey, SampleValues};

/// Returns whether an assay holds cells of genetic perturbations and of controls.
pub(in crate::dataset) fn has_cells(assay: &Assay) -> bool {
    let has_controls = assay.samples.as_ref().is_some_and(|samples| samples.values.is_some());
    let is_genetic = assay.perturbation_type.side() == Side::Genetic;
    matches!(assay.layout, AssayLayout::H5ad | AssayLayout::Lists) && has_controls && is_genetic
}

/// The cells of an assay that are kept out of its profiles, and all its controls, before they are read.
pub(in crate::dataset) struct CellSource {
    source: Source,
    measured: Measured,
    is_held_out: Vec<bool>,
    scale: Option<SampleScale>,
}

impl CellSource {
    pub(in crate::dataset) fn new(
        source: Source,
        assay: &Assay,
        condition: impl Fn(SampleKey<'_>) -> Option<Condition>,
        is_held_out: impl Fn(SampleKey<'_>) -> bool,
    ) -> Self {
        let samples: SampleKeys<'_> = source.names().samples;
        Self {
            measured: samples.iter().filter_map(condition).collect(),
            is_held_out: samples.iter().map(is_held_out).collect(),
            scale: assay.samples.as_ref().and_then(|samples: &Samples| samples.values),
            source,
        }
    }

    /// Returns how many cells are kept out, controls among them.
    pub(in crate::dataset) fn n_held_out(&self) -> usize {
        self.is_held_out.iter().filter(|is_held_out| **is_held_out).count()
    }

    /// Reads the cells, one after another, for each of its contexts that the dataset has.
    ///
    /// Held are 8 bytes for each value that is not 0 while they are read, 4 bytes after.
    ///
    /// # Errors
    /// When the file is damaged, or counts are negative.
    pub(in crate::dataset) fn read(
        &self,
        dataset: &Dataset,
        axes: &[FileAxes],
    ) -> Result<Vec<HeldOutCells>> {
        let mut plan = Plan::of(self.measured.distinct(), dataset, axes);
        self.source.for_each_sample(|cell| self.take(&mut plan, cell))?;
        Ok(plan.contexts.into_iter().map(InContext::finish).collect())
    }

    fn take(&self, plan: &mut Plan, cell: SampleValues<'_>) -> Result<()> {
        let condition = self.measured.of(cell.place);
        let of = condition.and_then(|at| self.measured.distinct().get(at));
        let negative = cell.odd.filter(|odd| *odd < 0.0);
        if let (Some(odd), Some(SampleScale::Counts)) = (negative, self.scale) {
            return Err(no_count(of.map_or("", |of| of.context.as_str()), odd));
        }
        let place = condition.and_then(|at| plan.places.get(at).copied().flatten());
        let Some(((context, gene), factor)) = place.zip(factor(self.scale, cell.total)) else {
            return Ok(());
        };
        let expression = |value: f32| match self.scale {
            Some(SampleScale::Counts) => (f64::from(value) * factor).ln_1p() as f32,
            _ => value,
        };
        let is_held_out = self.is_held_out.get(cell.place).copied().unwrap_or_default();
        if let Some(context) = plan.contexts.get_mut(context) {
            context.push(cell.values, expression, gene, is_held_out);
        }
        Ok(())
    }
}

/// Where the cells of each condition go.
struct Plan {
    contexts: Vec<InContext>,
    /// Of each condition: the position of its context, and of its gene; no gene for controls.
    places: Vec<Option<(usize, Option<usize>)>>,
}

impl Plan {
    fn of(conditions: &[Condition], dataset: &Dataset, axes: &[FileAxes]) -> Self {
        let mut plan = Self { contexts: Vec::new(), places: Vec::new() };
        let mut positions: HashMap<&str, usize> = HashMap::new();
        for ((context, axes), at) in dataset.contexts.iter().zip(axes).zip(0..) {
            if conditions.iter().any(|of| of.context == context.0) {
                positions.insert(&context.0, plan.contexts.len());
                plan.contexts.push(InContext::new(dataset, at, &axes.columns));
            }
        }
        let place = |of: &Condition| {
            let at = *positions.get(of.context.as_str())?;
            let context = plan.contexts.get(at)?;
            if of.is_control {
                return Some((at, None));
            }
            let axes = axes.get(context.context as usize)?;
            let perturbation = axes.perturbations.get(&of.perturbation)?;
            // A combination is no gene: its agent is no readout.
            let by_symbol = |gene: &PerturbedGene| gene.symbol.as_str().cmp(perturbation.agent());
            Some((at, Some(context.genes.binary_search_by(by_symbol).ok()?)))
        };
        plan.places = conditions.iter().map(place).collect();
        plan
    }
}

/// The cells of one context as they come.
struct InContext {
    context: u32,
    genes: Vec<PerturbedGene>,
    /// Places of readouts in the file, the gene that each is, and its share where several are one gene.
    columns: Vec<(usize, u32, f32)>,
    perturbed: Vec<Collecting>,
    controls: Collecting,
    training_controls: Comoments,
    row: Vec<f32>,
    cell: Vec<(u32, f32)>,
}

impl InContext {
    fn new(dataset: &Dataset, context: u32, readouts: &[Option<usize>]) -> Self {
        let genes = perturbed_genes(dataset, context, readouts);
        let of_readout: HashMap<usize, u32> =
            genes.iter().map(|gene| gene.readout as usize).zip(0..).collect();
        let gene = |readout: &Option<usize>| readout.and_then(|at| of_readout.get(&at).copied());
        let places = readouts.iter().map(gene).enumerate();
        let places: Vec<(usize, u32)> = places.filter_map(|(at, gene)| Some((at, gene?))).collect();
        let mut n_columns = vec![0_u32; genes.len()];
        places.iter().for_each(|(_, gene)| n_columns[*gene as usize] += 1);
        let column = |(at, gene): (usize, u32)| (at, gene, 1.0 / n_columns[gene as usize] as f32);
        Self {
            context,
            columns: places.into_iter().map(column).collect(),
            perturbed: genes.iter().map(|_| Collecting::default()).collect(),
            controls: Collecting::default(),
            training_controls: Comoments::new(genes.len()),
            row: vec![0.0; genes.len()],
            cell: Vec::with_capacity(genes.len()),
            genes,
        }
    }

    /// Takes in a cell in which `gene` is perturbed, or a control.
    fn push(
        &mut self,
        values: &[f32],
        expression: impl Fn(f32) -> f32,
        gene: Option<usize>,
        is_held_out: bool,
    ) {
        self.row.fill(0.0);
        for (place, gene, share) in &self.columns {
            let value = values.get(*place).copied().unwrap_or(f32::NAN);
            self.row[*gene as usize] += share * expression(value);
        }
        let is_zero = |value: f32| value.abs() <= 0.0;
        self.cell.clear();
        self.cell.extend((0..).zip(self.row.iter().copied()).filter(|(_, value)| !is_zero(*value)));
        match (gene, is_held_out) {
            (None, false) => self.training_controls.push(&self.cell),
            (None, true) => self.controls.push(&self.cell),
            (Some(gene), true) => self.perturbed[gene].push(&self.cell),
            // Only controls are read of the cells that profiles are made of.
            (Some(_), false) => {}
        }
    }

    fn finish(self) -> HeldOutCells {
        let n_genes = self.genes.len();
        HeldOutCells {
            context: self.context,
            perturbed: self.perturbed.into_par_iter().map(|of| of.finish(n_genes)).collect(),
            controls: self.controls.finish(n_genes),
            correlations: self.training_controls.correlations(),
            genes: self.genes,
        }
    }
}
