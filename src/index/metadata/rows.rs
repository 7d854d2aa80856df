use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

/// Collects the row number of every matching document.
pub(super) struct RowCollector;

impl Collector for RowCollector {
    type Fruit = Vec<u32>;
    type Child = SegmentRows;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentRows> {
        Ok(SegmentRows { column: segment.fast_fields().u64("row")?, rows: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, fruits: Vec<Vec<u32>>) -> tantivy::Result<Vec<u32>> {
        Ok(fruits.concat())
    }
}

pub(super) struct SegmentRows {
    column: Column<u64>,
    rows: Vec<u32>,
}

impl SegmentCollector for SegmentRows {
    type Fruit = Vec<u32>;

    fn collect(&mut self, document: DocId, _: Score) {
        self.rows.extend(self.column.first(document).map(|row| row as u32));
    }

    fn harvest(self) -> Vec<u32> {
        self.rows
    }
}
