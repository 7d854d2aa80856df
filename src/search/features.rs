use std::collections::HashMap;

use super::query::Query;
use super::subject::{Origin, Subject};
use crate::embedding::feature_map::fold_of;
use crate::embedding::{FeatureMap, FeatureQuality};
use crate::error::{Error, Result};
use crate::experiment::{PerturbationType, Side};
use crate::index::{Index, NameKind};
use crate::table::{FeatureTable, close_names, lookup_key};

/// Perturbations of an index that a table must name, to learn what its features mean.
pub const FEWEST_ROWS: usize = 30;

/// What features say about vectors, learnt from the perturbations that a table and an index share.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturePlacement {
    table: FeatureTable,
    /// What most of the perturbations are that it was learnt from.
    kind: PerturbationType,
    map: FeatureMap,
}

impl FeaturePlacement {
    /// Learns from the rows of a table whose names the index holds.
    ///
    /// # Errors
    /// When fewer than [`FEWEST_ROWS`] are of one side, both sides have as many, or the features are constant.
    pub fn fit(index: &Index, table: FeatureTable) -> Result<Self> {
        let mut matched: [Vec<(usize, u32)>; 2] = Default::default();
        let mut names: HashMap<u32, &str> = HashMap::new();
        for (at, name) in table.names.iter().enumerate() {
            // A row that was added was not trained on, and teaches nothing.
            if let Some(row) = row_of(index, name)?.filter(|row| !index.is_added(*row)) {
                if let Some(other) = names.insert(row, name) {
                    return Err(named_twice(other, name));
                }
                let side = usize::from(index.range(Side::Genetic).contains(&(row as usize)));
                matched[side].push((at, row));
            }
        }
        let [chemical, genetic] = &matched;
        let rows = match (chemical.len() >= FEWEST_ROWS, genetic.len() >= FEWEST_ROWS) {
            (true, false) => chemical,
            (false, true) => genetic,
            (both, _) => {
                let problem = format!(
                    "it names {} compounds and {} genes of the index",
                    chemical.len(),
                    genetic.len()
                );
                let advice = if both {
                    "make a table for compounds and one for genes".to_owned()
                } else {
                    format!(
                        "add features of at least {FEWEST_ROWS} perturbations that were measured"
                    )
                };
                return Err(Error::data("table of features", problem, advice));
            }
        };
        let features: Vec<f32> =
            rows.iter().flat_map(|(at, _)| table.row(*at).iter().copied()).collect();
        let vectors: Vec<f32> =
            rows.iter().flat_map(|(_, row)| index.vector(*row).iter().copied()).collect();
        let folds: Vec<u64> = rows.iter().map(|(at, _)| fold_of(&table.names[*at])).collect();
        let map = FeatureMap::fit(&features, &vectors, index.dim(), &folds)?;
        Ok(Self { kind: most_frequent_type(index, rows)?, map, table })
    }

    /// Returns how well perturbations that were left out are predicted.
    #[must_use]
    pub fn quality(&self) -> FeatureQuality {
        self.map.quality()
    }

    /// The row of a name: spelt like it or, where there is none, the only one with its identifier key.
    fn position(&self, name: &str) -> Result<Option<usize>> {
        let names = || self.table.names.iter().enumerate();
        if let Some((at, _)) = names().find(|(_, other)| *other == name) {
            return Ok(Some(at));
        }
        let key = lookup_key(name);
        let alike: Vec<usize> =
            names().filter(|(_, other)| lookup_key(other) == key).map(|(at, _)| at).collect();
        match alike.as_slice() {
            [] => Ok(None),
            [at] => Ok(Some(*at)),
            several => Err(Error::AmbiguousName {
                name: name.to_owned(),
                candidates: several
                    .iter()
                    .map(|at| format!("`{}`", self.table.names[*at]))
                    .collect(),
                advice: "spell it as the table of features does".to_owned(),
            }),
        }
    }

    /// Places a perturbation of the table; `unknown` is what the index says of a name that it has not either.
    pub(super) fn place(&self, query: &Query, unknown: Error) -> Result<Subject> {
        let Some(at) = self.position(&query.name)? else {
            let close = close_names(&query.name, self.table.names.iter().map(String::as_str));
            let Some(close) = close.first() else { return Err(unknown) };
            let what = format!("`{}`", query.name);
            let problem = "neither the index nor the features know it";
            return Err(Error::data(what, problem, format!("did you mean `{close}`?")));
        };
        let name = self.table.names[at].as_str();
        let vector = self.map.predict_unit(self.table.row(at));
        let origin = Origin::Features(self.quality());
        Ok(Subject::unmeasured(&query.name, self.kind, name, vector, origin))
    }
}

/// Says that two rows of a table are one thing: it would teach itself in cross-validation.
pub(super) fn named_twice(name: &str, other: &str) -> Error {
    let problem = format!("its rows `{name}` and `{other}` are the same in the index");
    Error::data("table of features", problem, "keep one row for each")
}

fn most_frequent_type(index: &Index, rows: &[(usize, u32)]) -> Result<PerturbationType> {
    let types =
        rows.iter().map(|(_, row)| Ok(index.record(*row)?.perturbation.perturbation_type()));
    let types: Vec<PerturbationType> = types.collect::<Result<_>>()?;
    let n_of = |kind: &PerturbationType| types.iter().filter(|other| *other == kind).count();
    let most = PerturbationType::ALL.into_iter().max_by_key(n_of);
    Ok(most.unwrap_or(PerturbationType::Compound))
}

/// The row that a name means, if it means one.
fn row_of(index: &Index, name: &str) -> Result<Option<u32>> {
    for kind in [NameKind::Name, NameKind::Synonym, NameKind::Identifier] {
        match index.metadata().rows_named(name, kind)?.as_slice() {
            [] => {}
            [row] => return Ok(Some(*row)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}
