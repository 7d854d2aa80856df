use std::ops::Range;

const BITS: usize = u64::BITS as usize;

/// A set of rows, one bit each.
///
/// ```
/// use phenocopy::embedding::RowSet;
///
/// let mut rows = RowSet::from_ranges(100, [10..13, 70..72]);
/// rows.insert(5);
/// assert_eq!(rows.iter().collect::<Vec<_>>(), [5, 10, 11, 12, 70, 71]);
/// assert_eq!(rows.intersect(&RowSet::from_ranges(100, [11..71])).len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSet {
    n_rows: usize,
    n_members: usize,
    words: Vec<u64>,
}

impl RowSet {
    /// Creates an empty set that can hold rows below `n_rows`.
    #[must_use]
    pub fn new(n_rows: usize) -> Self {
        Self { n_rows, n_members: 0, words: vec![0; n_rows.div_ceil(BITS)] }
    }

    /// Creates a set of all rows below `n_rows`.
    #[must_use]
    pub fn full(n_rows: usize) -> Self {
        Self::from_ranges(n_rows, std::iter::once(0..n_rows))
    }

    /// Creates the union of ranges of rows; what lies beyond `n_rows` is left out.
    #[must_use]
    pub fn from_ranges(n_rows: usize, ranges: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut set = Self::new(n_rows);
        for range in ranges {
            set.mark(&range);
        }
        set.recount();
        set
    }

    /// Marks a range word by word; the members are to be counted afterwards.
    fn mark(&mut self, range: &Range<usize>) {
        let end = range.end.min(self.n_rows);
        let first = range.start / BITS;
        for (position, word) in self.words.iter_mut().enumerate().skip(first) {
            let start = position * BITS;
            if start >= end {
                break;
            }
            *word |= lowest((end - start).min(BITS)) & !lowest(range.start.saturating_sub(start));
        }
    }

    /// Adds a row; returns whether it is new. A row beyond the capacity is not added.
    pub fn insert(&mut self, row: u32) -> bool {
        if row as usize >= self.n_rows || self.contains(row) {
            return false;
        }
        self.words[row as usize / BITS] |= 1 << (row as usize % BITS);
        self.n_members += 1;
        true
    }

    /// Returns whether `row` is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, row: u32) -> bool {
        let word = self.words.get(row as usize / BITS).copied().unwrap_or(0);
        word >> (row as usize % BITS) & 1 == 1
    }

    /// Returns how many rows are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n_members
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n_members == 0
    }

    /// Returns the number of rows the set can hold.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Returns the rows in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(position, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some((position * BITS) as u32 + bit)
            })
        })
    }

    /// Returns the rows that are in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        let mut set = Self { n_rows: self.n_rows.min(other.n_rows), n_members: 0, words };
        set.recount();
        set
    }

    /// Returns the rows of `range`, counted from its start: the set as a slice of the vectors sees it.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut set = Self::new(range.len());
        let (first, shift) = (range.start / BITS, range.start % BITS);
        let word = |position: usize| self.words.get(position).copied().unwrap_or(0);
        for (position, out) in (first..).zip(&mut set.words) {
            let above = word(position + 1).checked_shl((BITS - shift) as u32).unwrap_or(0);
            *out = word(position) >> shift | above;
        }
        if let Some(last) = set.words.last_mut() {
            *last &= lowest((range.len() - 1) % BITS + 1);
        }
        set.recount();
        set
    }

    fn recount(&mut self) {
        self.n_members = self.words.iter().map(|word| word.count_ones() as usize).sum();
    }
}

/// A word with its `n` lowest bits set; all of them from 64 on.
fn lowest(n: usize) -> u64 {
    let unset = BITS.saturating_sub(n) as u32;
    u64::MAX.checked_shr(unset).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around the ends of words, where a shift can go wrong.
    const ENDS: [usize; 9] = [0, 1, 5, 63, 64, 65, 127, 128, 200];

    fn ranges() -> impl Iterator<Item = Range<usize>> {
        ENDS.into_iter().flat_map(|start| ENDS.into_iter().map(move |end| start..end))
    }

    #[test]
    fn a_set_of_a_range_holds_the_rows_of_the_range() {
        for (n_rows, range) in ENDS.into_iter().flat_map(|n| ranges().map(move |r| (n, r))) {
            let set = RowSet::from_ranges(n_rows, [range.clone()]);
            let expected: Vec<u32> =
                range.clone().filter(|r| *r < n_rows).map(|r| r as u32).collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), expected, "{range:?} of {n_rows}");
            assert_eq!(set.len(), expected.len());
        }
    }

    #[test]
    fn a_slice_holds_the_members_of_its_range_counted_from_its_start() {
        let mut set = RowSet::new(200);
        for row in (0..200_u32).filter(|row| row * row % 7 < 3) {
            set.insert(row);
        }
        for range in ranges() {
            let slice = set.slice(range.clone());
            let members = range.clone().filter(|row| set.contains(*row as u32));
            let expected: Vec<u32> = members.map(|row| (row - range.start) as u32).collect();
            assert_eq!(slice.iter().collect::<Vec<_>>(), expected, "{range:?}");
            assert_eq!((slice.len(), slice.n_rows()), (expected.len(), range.len()));
        }
    }
}
