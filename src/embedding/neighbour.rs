use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A row and how similar it is to the query.
///
/// The order is total: the smaller neighbour is the better one (higher similarity, then lower
/// row), so `sort()` puts the best first and a tie is never decided by chance.
#[derive(Debug, Clone, Copy)]
pub struct Neighbour {
    /// Row of the vector.
    pub row: u32,
    /// Cosine, −1 to 1 up to rounding.
    pub similarity: f32,
}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> Ordering {
        other.similarity.total_cmp(&self.similarity).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Neighbour {}

/// Keeps the best `k` neighbours of all that are offered.
///
/// ```
/// use phenocopy::embedding::{Neighbour, TopK};
///
/// let mut top = TopK::new(2);
/// for (row, similarity) in [(0, 0.1), (1, 0.9), (2, 0.9), (3, 0.5)] {
///     top.offer(Neighbour { row, similarity });
/// }
/// let rows: Vec<u32> = top.into_sorted().iter().map(|neighbour| neighbour.row).collect();
/// assert_eq!(rows, [1, 2]);
/// ```
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    /// The worst kept neighbour is on top.
    heap: BinaryHeap<Neighbour>,
}

impl TopK {
    /// Creates an empty list of at most `k` neighbours.
    #[must_use]
    pub fn new(k: usize) -> Self {
        // A caller may ask for more than there is: grow on demand beyond a modest size.
        Self { k, heap: BinaryHeap::with_capacity(k.min(1024)) }
    }

    /// Keeps `neighbour` if it is among the best `k` so far; NaN never is.
    #[inline]
    pub fn offer(&mut self, neighbour: Neighbour) {
        if self.heap.len() < self.k {
            if !neighbour.similarity.is_nan() {
                self.heap.push(neighbour);
            }
        } else if let Some(mut worst) = self.heap.peek_mut()
            && neighbour.similarity >= worst.similarity
            && neighbour < *worst
        {
            *worst = neighbour;
        }
    }

    /// Returns the kept neighbours, best first.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Neighbour> {
        self.heap.into_sorted_vec()
    }
}
