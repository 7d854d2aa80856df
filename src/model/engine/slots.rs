/// Numbers the distinct items of a step from 0 in the order in which they come, without clearing a table per step.
#[derive(Debug, Clone, Default)]
pub(super) struct Slots {
    /// Per item: the step that last met it, and its number there.
    met: Vec<(u64, u32)>,
    step: u64,
    items: Vec<u32>,
}

impl Slots {
    pub(super) fn new(n_items: usize) -> Self {
        Self { met: vec![(0, 0); n_items], step: 0, items: Vec::new() }
    }

    /// Forgets the items of the step before.
    pub(super) fn begin(&mut self) {
        self.step += 1;
        self.items.clear();
    }

    /// Returns the number of an item, a new one if it is new.
    #[inline]
    pub(super) fn number(&mut self, item: u32) -> u32 {
        let met = &mut self.met[item as usize];
        if met.0 != self.step {
            *met = (self.step, self.items.len() as u32);
            self.items.push(item);
        }
        met.1
    }

    /// Returns how many items there can be.
    pub(super) fn capacity(&self) -> usize {
        self.met.len()
    }

    /// Returns the distinct items, by number.
    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }
}
