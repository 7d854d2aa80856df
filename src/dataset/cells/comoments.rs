/// Sums of products of genes over cells, as they come: what correlations are made of.
///
/// 8 bytes for each pair of genes; a cell costs half the square of the number of its values.
#[derive(Debug)]
pub(super) struct Comoments {
    n_genes: usize,
    n_cells: usize,
    sums: Vec<f64>,
    /// Of gene i and gene j ≥ i, row by row of a square.
    products: Vec<f64>,
}

impl Comoments {
    pub(super) fn new(n_genes: usize) -> Self {
        let (sums, products) = (vec![0.0; n_genes], vec![0.0; n_genes * n_genes]);
        Self { n_genes, n_cells: 0, sums, products }
    }

    /// Takes in a cell: its values that are not 0, ascending by gene. A cell with missing values is left out.
    pub(super) fn push(&mut self, cell: &[(u32, f32)]) {
        if cell.iter().any(|(_, value)| value.is_nan()) {
            return;
        }
        self.n_cells += 1;
        for (at, (gene, value)) in cell.iter().enumerate() {
            let (gene, value) = (*gene as usize, f64::from(*value));
            self.sums[gene] += value;
            let row = &mut self.products[gene * self.n_genes..(gene + 1) * self.n_genes];
            for (other, product) in &cell[at..] {
                row[*other as usize] += value * f64::from(*product);
            }
        }
    }

    /// Returns Pearson's correlation of all pairs of genes (n × n), NaN of genes that do not vary.
    pub(super) fn correlations(&self) -> Vec<f32> {
        let n = self.n_genes;
        let n_cells = self.n_cells as f64;
        let covariance = |i: usize, j: usize| {
            self.products[i * n + j] / n_cells - self.sums[i] / n_cells * (self.sums[j] / n_cells)
        };
        let spread: Vec<f64> = (0..n).map(|gene| covariance(gene, gene).sqrt()).collect();
        let mut correlations = vec![f32::NAN; n * n];
        for i in 0..n {
            for j in i..n {
                let size = spread[i] * spread[j];
                let correlation = if size > 0.0 { covariance(i, j) / size } else { f64::NAN };
                correlations[i * n + j] = correlation as f32;
                correlations[j * n + i] = correlation as f32;
            }
        }
        correlations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_those_of_the_dense_values() {
        let mut comoments = Comoments::new(3);
        comoments.push(&[(0, 1.0), (1, 2.0)]);
        comoments.push(&[(0, 2.0), (1, 3.0)]);
        comoments.push(&[]);
        comoments.push(&[(0, f32::NAN)]);
        // numpy.corrcoef([1, 2, 0], [2, 3, 0])[0, 1]
        let correlations = comoments.correlations();
        assert!((correlations[1] - 0.981_980_5).abs() < 1e-6, "{correlations:?}");
        assert_eq!(correlations[1].to_bits(), correlations[3].to_bits());
        assert!(correlations[2].is_nan(), "a gene that no cell expresses");
    }
}
