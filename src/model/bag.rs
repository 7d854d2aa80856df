use candle_core::{Result, Tensor};

/// Which rows of zP make up each perturbation: one for a single agent, its members' for `A+B`.
///
/// The embedding of a perturbation is the mean of its rows (PyTorch's EmbeddingBag, mode `mean`).
#[derive(Debug, Clone, Default)]
pub(super) struct EmbeddingBag {
    offsets: Vec<usize>,
    tokens: Vec<u32>,
}

impl EmbeddingBag {
    pub(super) fn push(&mut self, tokens: &[u32]) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.tokens.extend_from_slice(tokens);
        self.offsets.push(self.tokens.len());
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Returns the rows of a perturbation; none beyond the end.
    pub(super) fn tokens(&self, perturbation: usize) -> &[u32] {
        match (self.offsets.get(perturbation), self.offsets.get(perturbation + 1)) {
            (Some(start), Some(end)) => self.tokens.get(*start..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Returns the embeddings of `perturbations` from the table zP: (n × d), differentiable.
    pub(super) fn embed(&self, table: &Tensor, perturbations: &[u32]) -> Result<Tensor> {
        let bags: Vec<&[u32]> = perturbations.iter().map(|p| self.tokens(*p as usize)).collect();
        let tokens = bags.concat();
        let device = table.device();
        let rows = table.index_select(&Tensor::new(tokens.as_slice(), device)?, 0)?;
        if bags.iter().all(|bag| bag.len() == 1) {
            return Ok(rows);
        }
        let mut owners = Vec::with_capacity(tokens.len());
        let mut weights = Vec::with_capacity(tokens.len());
        for (owner, bag) in (0_u32..).zip(&bags) {
            owners.extend(bag.iter().map(|_| owner));
            weights.extend(bag.iter().map(|_| 1.0 / bag.len() as f32));
        }
        let weights = Tensor::from_vec(weights, (tokens.len(), 1), device)?;
        let owners = Tensor::new(owners.as_slice(), device)?;
        Tensor::zeros((bags.len(), table.dim(1)?), table.dtype(), device)?.index_add(
            &owners,
            &rows.broadcast_mul(&weights)?,
            0,
        )
    }

    /// Returns the mean rows of every perturbation from a table of `dim` columns: (len × dim).
    pub(super) fn means(&self, table: &[f32], dim: usize) -> Vec<f32> {
        let mut means = vec![0.0_f32; self.len() * dim];
        for (perturbation, mean) in means.chunks_exact_mut(dim).enumerate() {
            let tokens = self.tokens(perturbation);
            for row in
                tokens.iter().filter_map(|token| table.chunks_exact(dim).nth(*token as usize))
            {
                for (sum, value) in mean.iter_mut().zip(row) {
                    *sum += value / tokens.len() as f32;
                }
            }
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn a_combination_is_the_mean_of_its_members_and_spreads_its_gradient() {
        let table = Var::new(&[[1.0_f32, 2.0], [3.0, 6.0], [5.0, 0.0]], &Device::Cpu).unwrap();
        let mut bag = EmbeddingBag::default();
        bag.push(&[0]);
        bag.push(&[1, 2]);
        let rows = bag.embed(&table, &[1, 0]).unwrap();
        assert_eq!(rows.to_vec2::<f32>().unwrap(), [[4.0, 3.0], [1.0, 2.0]]);
        assert_eq!(bag.means(&[1.0, 2.0, 3.0, 6.0, 5.0, 0.0], 2), [1.0, 2.0, 4.0, 3.0]);
        let gradients = rows.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(&table).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(gradient, [[1.0, 1.0], [0.5, 0.5], [0.5, 0.5]]);
    }
}
