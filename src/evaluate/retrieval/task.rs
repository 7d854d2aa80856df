use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::experiment::{Perturbation, PerturbationType};
use crate::table::{Label, identifier_key};

use super::half::Half;

/// One compound that asks for its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrievalQuery {
    /// Row of the compound in the dataset.
    pub row: u32,
    /// Positions of its labelled targets in the panel, ascending, at least one.
    pub targets: Vec<u32>,
}

impl AsRef<[u32]> for RetrievalQuery {
    fn as_ref(&self) -> &[u32] {
        &self.targets
    }
}

/// Who asks and what is sought: a panel of genes and compounds with labelled targets in it.
///
/// ```
/// use phenocopy::evaluate::RetrievalTask;
/// use phenocopy::evaluate::retrieval::RetrievalQuery;
///
/// let queries = vec![RetrievalQuery { row: 0, targets: vec![1] }];
/// let task = RetrievalTask::new(vec![7, 8], vec!["BCL2".into(), "MCL1".into()], queries)?;
/// assert_eq!(task.panel(), [7, 8]);
/// # Ok::<(), phenocopy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrievalTask {
    panel: Vec<u32>,
    genes: Vec<String>,
    queries: Vec<RetrievalQuery>,
    unknown_compounds: BTreeSet<String>,
    unknown_genes: BTreeSet<String>,
}

impl RetrievalTask {
    /// Creates a task from the panel's rows, their gene symbols, and queries.
    ///
    /// # Errors
    /// When there is no query, a query has no target, or a target is outside the panel.
    pub fn new(panel: Vec<u32>, genes: Vec<String>, queries: Vec<RetrievalQuery>) -> Result<Self> {
        let fits = |query: &RetrievalQuery| {
            !query.targets.is_empty()
                && query.targets.is_sorted_by(|a, b| a < b)
                && query.targets.iter().all(|target| (*target as usize) < panel.len())
        };
        if queries.is_empty() || panel.len() != genes.len() || !queries.iter().all(fits) {
            return Err(Error::data(
                "the retrieval task",
                format!("{} queries do not fit {} genes", queries.len(), panel.len()),
                "give labels whose compounds and genes are in the data",
            ));
        }
        let (unknown_compounds, unknown_genes) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { panel, genes, queries, unknown_compounds, unknown_genes })
    }

    /// Finds the compounds and genes of `labels` in a dataset.
    ///
    /// The panel is every single gene of type `genetic`, in the dataset's order. Compounds are
    /// found by [`identifier_key`] over agent, name and synonyms, genes by their symbol; an agent goes before a
    /// name and a name before a synonym, and a synonym of two compounds finds neither.
    ///
    /// # Errors
    /// When the dataset has no gene of that type, or no label is found in it.
    pub fn from_dataset(
        dataset: &Dataset,
        labels: &[Label],
        genetic: PerturbationType,
    ) -> Result<Self> {
        let (panel, genes) = panel_of(&dataset.perturbations, genetic);
        if panel.is_empty() {
            return Err(Error::data(
                format!("dataset `{}`", dataset.name),
                format!("it holds no {}", genetic.label()),
                "ask for a type that it holds",
            ));
        }
        let compounds = CompoundNames::of(dataset);
        let gene_positions = gene_positions(dataset, &panel);
        let mut targets: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let (mut unknown_compounds, mut unknown_genes) = (BTreeSet::new(), BTreeSet::new());
        for label in labels {
            let row = compounds.find(&label.compound);
            let gene = gene_positions.get(label.gene.as_str()).copied();
            match (row, gene) {
                (Some(row), Some(gene)) => drop(targets.entry(row).or_default().insert(gene)),
                (None, _) => drop(unknown_compounds.insert(label.compound.as_str())),
                (_, None) => drop(unknown_genes.insert(label.gene.as_str())),
            }
        }
        if targets.is_empty() {
            return Err(Error::data(
                "labels",
                format!(
                    "none of their {} pairs joins a compound of `{}` with one of its {} genes ({} compounds and {} genes are unknown)",
                    labels.len(),
                    dataset.name,
                    genes.len(),
                    unknown_compounds.len(),
                    unknown_genes.len()
                ),
                "give labels that name the compounds and genes of these data",
            ));
        }
        let queries = targets
            .into_iter()
            .map(|(row, targets)| RetrievalQuery { row, targets: targets.into_iter().collect() });
        let mut task = Self::new(panel, genes, queries.collect())?;
        let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
        (task.unknown_compounds, task.unknown_genes) =
            (owned(unknown_compounds), owned(unknown_genes));
        Ok(task)
    }

    /// Returns the dataset's rows of the panel, in the panel's order.
    #[must_use]
    pub fn panel(&self) -> &[u32] {
        &self.panel
    }

    /// Returns the gene symbols of the panel.
    #[must_use]
    pub fn genes(&self) -> &[String] {
        &self.genes
    }

    /// Returns the queries, by row.
    #[must_use]
    pub fn queries(&self) -> &[RetrievalQuery] {
        &self.queries
    }

    /// Returns the labelled compounds that the dataset does not hold.
    #[must_use]
    pub fn unknown_compounds(&self) -> &BTreeSet<String> {
        &self.unknown_compounds
    }

    /// Returns the target genes of the dataset's compounds that the panel does not hold.
    #[must_use]
    pub fn unknown_genes(&self) -> &BTreeSet<String> {
        &self.unknown_genes
    }

    /// Returns the positions of the queries that belong to a half.
    #[must_use]
    pub fn queries_in(&self, half: Half) -> Vec<usize> {
        let genes = |query: &RetrievalQuery| -> Vec<&str> {
            let symbol = |target: &u32| self.genes[*target as usize].as_str();
            query.targets.iter().map(symbol).collect()
        };
        let members = self.queries.iter().enumerate();
        members.filter(|(_, query)| half.holds(genes(query))).map(|(at, _)| at).collect()
    }
}

/// Returns the rows and symbols of the single genes of a type, in the dataset's order.
pub(in crate::evaluate) fn panel_of(
    perturbations: &[Perturbation],
    genetic: PerturbationType,
) -> (Vec<u32>, Vec<String>) {
    let is_member = |p: &Perturbation| p.perturbation_type() == genetic && p.members().len() == 1;
    let members = perturbations.iter().enumerate().filter(|(_, p)| is_member(p));
    members.map(|(row, p)| (row as u32, p.agent().to_owned())).unzip()
}

/// Positions in the panel by symbol and, where it names one gene only, by retired symbol or alias.
pub(in crate::evaluate) fn gene_positions<'a>(
    dataset: &'a Dataset,
    panel: &[u32],
) -> HashMap<&'a str, u32> {
    let mut aliases: HashMap<&str, Option<u32>> = HashMap::new();
    let mut symbols: HashMap<&str, u32> = HashMap::new();
    for (position, row) in (0_u32..).zip(panel) {
        symbols.insert(dataset.perturbations[*row as usize].agent(), position);
        for synonym in &dataset.annotations[*row as usize].synonyms {
            let known = aliases.entry(synonym).or_insert(Some(position));
            *known = known.filter(|known| *known == position);
        }
    }
    let mut positions: HashMap<&str, u32> =
        aliases.into_iter().filter_map(|(alias, position)| Some((alias, position?))).collect();
    positions.extend(symbols);
    positions
}

/// Compounds by identifier key; `None` where a key is shared by two of the same precedence.
struct CompoundNames {
    by_precedence: [HashMap<String, Option<u32>>; 3],
}

impl CompoundNames {
    fn of(dataset: &Dataset) -> Self {
        let mut by_precedence = [HashMap::new(), HashMap::new(), HashMap::new()];
        let rows = dataset.perturbations.iter().zip(&dataset.annotations).enumerate();
        let is_compound = |p: &Perturbation| p.perturbation_type() == PerturbationType::Compound;
        for (row, (perturbation, annotation)) in rows.filter(|(_, (p, _))| is_compound(p)) {
            let names = [
                vec![perturbation.agent().to_owned()],
                vec![annotation.name.clone()],
                annotation.synonyms.clone(),
            ];
            for (keys, names) in by_precedence.iter_mut().zip(names) {
                names.iter().for_each(|name| insert_key(keys, name, row as u32));
            }
        }
        Self { by_precedence }
    }

    fn find(&self, name: &str) -> Option<u32> {
        let key = identifier_key(name);
        self.by_precedence.iter().find_map(|keys| keys.get(&key)).copied().flatten()
    }
}

fn insert_key(keys: &mut HashMap<String, Option<u32>>, name: &str, row: u32) {
    let key = identifier_key(name);
    if !key.is_empty() {
        let known = keys.entry(key).or_insert(Some(row));
        if *known != Some(row) {
            *known = None;
        }
    }
}
