use phenocopy::index::Index;
use phenocopy::search::{PredictionQuery, Query, ResponseModel};
use phenocopy::table::{NameList, Pair, PairTable};

use super::PredictArguments;

/// Readouts of one pair that are joined into one query.
const MOST_JOINED: usize = 1 << 12;

/// Where queries come from, one after another.
pub(super) type Queries<'a> = Box<dyn Iterator<Item = phenocopy::Result<PredictionQuery>> + 'a>;

impl PredictArguments {
    /// The pairs that are asked for, in order.
    pub(super) fn pairs<'a>(
        &'a self,
        index: &Index,
        model: &ResponseModel,
    ) -> anyhow::Result<Queries<'a>> {
        if let Some(table) = &self.table {
            let rows = PairTable::open(&NameList::parse(table))?;
            let joined = Joined { rows, next: None };
            return Ok(Box::new(joined.map(|pair| Ok(self.query_of(pair?)))));
        }
        let (names, mut contexts) = self.words(index, model);
        if contexts.is_empty() {
            contexts = model.contexts().to_vec();
        }
        let of_name = move |name: String| {
            let pair = |context: String| (name.clone(), context, self.readouts.clone());
            contexts.iter().cloned().map(pair).collect::<Vec<_>>()
        };
        Ok(Box::new(names.into_iter().flat_map(of_name).map(|pair| Ok(self.query_of(pair)))))
    }

    /// The names of perturbations and of contexts. Words behind `--context` that are no contexts, where one is, but name
    /// a perturbation, were meant to.
    fn words(&self, index: &Index, model: &ResponseModel) -> (Vec<String>, Vec<String>) {
        let mut names = [self.queries.as_slice(), &self.perturbations].concat();
        let is_context = |word: &String| model.context(word).is_some();
        let is_name = |word: &String| index.resolve(&Query::new(word.as_str())).is_ok();
        let has_context = self.context.iter().any(is_context);
        let is_meant = |word: &&String| is_context(word) || !has_context || !is_name(word);
        let (contexts, others): (Vec<&String>, Vec<&String>) =
            self.context.iter().partition(is_meant);
        names.extend(others.into_iter().cloned());
        (names, contexts.into_iter().cloned().collect())
    }

    fn query_of(&self, (name, context, readouts): JoinedPair) -> PredictionQuery {
        let readouts = if readouts.is_empty() { self.readouts.clone() } else { readouts };
        PredictionQuery {
            perturbation_type: self.query_type,
            k: self.k_of(&readouts),
            readouts,
            ..PredictionQuery::new(name, context)
        }
    }
}

/// Perturbation, context, readouts.
type JoinedPair = (String, String, Vec<String>);

/// The rows of a table; those of one pair that follow each other are one.
struct Joined {
    rows: PairTable,
    next: Option<Pair>,
}

impl Joined {
    fn read(&mut self) -> phenocopy::Result<Option<JoinedPair>> {
        let first = match self.next.take() {
            Some(pair) => Some(pair),
            None => self.rows.next_pair()?,
        };
        let Some(Pair { perturbation, context, readout }) = first else { return Ok(None) };
        let mut readouts: Vec<String> = readout.into_iter().collect();
        // A row without a readout asks for all.
        while !readouts.is_empty() && readouts.len() < MOST_JOINED {
            match self.rows.next_pair()? {
                Some(Pair { perturbation: p, context: c, readout: Some(readout) })
                    if p == perturbation && c == context =>
                {
                    readouts.push(readout);
                }
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        Ok(Some((perturbation, context, readouts)))
    }
}

impl Iterator for Joined {
    type Item = phenocopy::Result<JoinedPair>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
