use super::query::{Correction, Direction, Query, Scope, Via};
use super::signature::SignatureQuery;
use crate::index::Filter;

/// Among whom is searched, and how.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    pub(super) scope: Scope,
    pub(super) filter: Filter,
    pub(super) k: usize,
    pub(super) via: Via,
    pub(super) direction: Direction,
    pub(super) correction: Correction,
}

impl From<&Query> for Choice {
    fn from(query: &Query) -> Self {
        Self {
            scope: query.scope,
            filter: query.filter.clone(),
            k: query.k,
            via: query.via,
            direction: query.direction,
            correction: query.correction,
        }
    }
}

impl From<&SignatureQuery> for Choice {
    fn from(query: &SignatureQuery) -> Self {
        Self {
            scope: query.scope,
            filter: query.filter.clone(),
            k: query.k,
            via: query.via,
            direction: query.direction,
            correction: query.correction,
        }
    }
}
