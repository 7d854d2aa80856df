/// The values of one gene in some cells, most of which are 0.
///
/// ```
/// use phenocopy::dataset::Expression;
///
/// let cells = Expression { nonzero: &[0.7, 2.5], n_zeros: 3 };
/// assert_eq!(cells.len(), 5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expression<'a> {
    /// The values that are not 0, ascending.
    pub nonzero: &'a [f32],
    /// In how many cells the value is 0.
    pub n_zeros: usize,
}

impl Expression<'_> {
    /// Returns how many cells have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nonzero.len() + self.n_zeros
    }

    /// Returns whether no cell has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Cells of one condition, gene by gene.
///
/// # Shapes
/// One [`Expression`] for each gene of [`HeldOutCells::genes`](super::HeldOutCells::genes).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellGroup {
    n_cells: usize,
    /// Where the values of each gene begin, and where the last end.
    starts: Vec<usize>,
    values: Vec<f32>,
    n_zeros: Vec<u32>,
}

impl CellGroup {
    /// Returns how many cells there are.
    #[must_use]
    pub fn n_cells(&self) -> usize {
        self.n_cells
    }

    /// Returns the values of a gene by its position; none of a gene that is not there.
    #[must_use]
    pub fn expression(&self, gene: usize) -> Expression<'_> {
        let range = self.starts.get(gene).zip(self.starts.get(gene + 1));
        let nonzero = range.and_then(|(start, end)| self.values.get(*start..*end));
        let n_zeros = self.n_zeros.get(gene).map_or(0, |n| *n as usize);
        Expression { nonzero: nonzero.unwrap_or_default(), n_zeros }
    }

    /// Returns how many bytes it holds.
    pub(super) fn n_bytes(&self) -> usize {
        size_of_val(&self.starts[..])
            + size_of_val(&self.values[..])
            + size_of_val(&self.n_zeros[..])
    }
}

/// Cells of one condition as they come.
#[derive(Debug, Default)]
pub(super) struct Collecting {
    n_cells: usize,
    entries: Vec<(u32, f32)>,
}

impl Collecting {
    /// Takes in a cell: its values that are not 0, each with the position of its gene; NaN for missing.
    pub(super) fn push(&mut self, cell: &[(u32, f32)]) {
        self.n_cells += 1;
        self.entries.extend_from_slice(cell);
    }

    /// Sorts the values gene by gene. `O(n log n)` for n values.
    pub(super) fn finish(mut self, n_genes: usize) -> CellGroup {
        self.entries.sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then(x.total_cmp(y)));
        let mut group = CellGroup { n_cells: self.n_cells, ..CellGroup::default() };
        group.values.reserve_exact(self.entries.len());
        group.starts.push(0);
        let mut left = self.entries.as_slice();
        for gene in 0..n_genes as u32 {
            let (own, others) = left.split_at(left.partition_point(|(of, _)| *of <= gene));
            left = others;
            group.values.extend(own.iter().map(|(_, value)| value).filter(|value| !value.is_nan()));
            group.starts.push(group.values.len());
            group.n_zeros.push((self.n_cells - own.len()) as u32);
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sorted_gene_by_gene_and_missing_ones_are_no_zeros() {
        let mut cells = Collecting::default();
        cells.push(&[(0, 2.0), (2, f32::NAN)]);
        cells.push(&[(0, -1.0), (2, 0.5)]);
        cells.push(&[]);
        let group = cells.finish(3);
        assert_eq!(group.n_cells(), 3);
        assert_eq!(group.expression(0), Expression { nonzero: &[-1.0, 2.0], n_zeros: 1 });
        assert_eq!(group.expression(1), Expression { nonzero: &[], n_zeros: 3 });
        assert_eq!(group.expression(2), Expression { nonzero: &[0.5], n_zeros: 1 });
        assert!(group.expression(3).is_empty());
    }
}
