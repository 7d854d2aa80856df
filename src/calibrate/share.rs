use serde::{Deserialize, Serialize};

/// The q-value up to which a hit is called significant.
pub const LEVEL: f64 = 0.05;

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub total: usize,
}

impl Share {
    /// Counts the outcomes that are true.
    pub fn of(outcomes: impl IntoIterator<Item = bool>) -> Self {
        outcomes.into_iter().fold(Self::default(), |share, outcome| Self {
            count: share.count + usize::from(outcome),
            total: share.total + 1,
        })
    }

    /// Returns the share, 0 of nothing.
    #[must_use]
    pub fn value(self) -> f64 {
        self.count as f64 / self.total.max(1) as f64
    }

    /// Returns the most that a true share of `level` leads to in 97.5 of 100 cases: `level` and 1.96 of its
    /// binomial standard errors.
    #[must_use]
    pub fn limit(self, level: f64) -> f64 {
        level + 1.96 * (level * (1.0 - level) / self.total.max(1) as f64).sqrt()
    }
    /// Returns whether the share is at most the [`limit`](Self::limit) of a level.
    #[must_use]
    pub fn is_within(self, level: f64) -> bool {
        self.value() <= self.limit(level)
    }
}
