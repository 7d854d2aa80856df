use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::schema::types::ColumnDescriptor;

/// The pages of a column chunk, made safe: at some damage the decoder would panic.
pub(super) struct CheckedPages {
    pages: Box<dyn PageReader>,
    is_bytes: bool,
    is_nullable: bool,
    is_repeated: bool,
    has_dictionary: bool,
}

impl CheckedPages {
    pub(super) fn new(pages: Box<dyn PageReader>, column: &ColumnDescriptor) -> Self {
        let is_bytes = column.physical_type() == Type::BYTE_ARRAY;
        Self {
            pages,
            is_bytes,
            is_nullable: column.max_def_level() > 0,
            is_repeated: column.max_rep_level() > 0,
            has_dictionary: false,
        }
    }

    fn check(&mut self, page: &Page) -> ParquetResult<()> {
        self.has_dictionary |= matches!(page, Page::DictionaryPage { .. });
        let is_by_dictionary =
            matches!(page.encoding(), Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
        if is_by_dictionary && !self.has_dictionary {
            return Err(ParquetError::General("a dictionary is missing".to_owned()));
        }
        let has_levels = match page {
            Page::DataPage { def_level_encoding, rep_level_encoding, .. } => {
                let is_known = |encoding: Encoding| encoding == Encoding::RLE;
                (!self.is_nullable || is_known(*def_level_encoding))
                    && (!self.is_repeated || is_known(*rep_level_encoding))
            }
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let n_bytes = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                n_bytes <= buf.len() as u64
            }
            Page::DictionaryPage { .. } => true,
        };
        if !has_levels {
            return Err(ParquetError::General("it is unclear which cells are null".to_owned()));
        }
        Ok(())
    }

    /// Checks that the texts of a page are whole, and puts a length that no text has behind them: the decoder would
    /// panic where it is asked for more, and so finds that there are not enough bytes.
    fn end_texts(&self, page: &mut Page) -> ParquetResult<()> {
        let start = match &*page {
            Page::DictionaryPage { .. } => 0,
            other if other.encoding() != Encoding::PLAIN => return Ok(()),
            Page::DataPage { buf, .. } => {
                // Repetition levels, then definition levels, each after their length.
                let n_levels = usize::from(self.is_repeated) + usize::from(self.is_nullable);
                (0..n_levels).fold(0, |start, _| {
                    let levels = buf.get(start..).unwrap_or_default();
                    (start + 4).saturating_add(leading_length(levels).unwrap_or(0))
                })
            }
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                *def_levels_byte_len as usize + *rep_levels_byte_len as usize
            }
        };
        let (Page::DataPage { buf, .. }
        | Page::DataPageV2 { buf, .. }
        | Page::DictionaryPage { buf, .. }) = page;
        if !buf.get(start..).is_some_and(are_whole) {
            return Err(ParquetError::General("a text is cut off".to_owned()));
        }
        *buf = [buf, &[0xff; 4][..]].concat().into();
        Ok(())
    }
}

/// The number that bytes begin with.
fn leading_length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize)
}

/// Returns whether bytes are texts, each after its length.
fn are_whole(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let rest = leading_length(bytes).and_then(|length| bytes.get(4 + length..));
        match rest {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    true
}

impl Iterator for CheckedPages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        let Some(mut page) = self.pages.get_next_page()? else { return Ok(None) };
        self.check(&page)?;
        if self.is_bytes {
            self.end_texts(&mut page)?;
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.pages.skip_next_page()
    }
}

/// Refuses a column chunk that says it lies before the start of the file.
pub(super) fn check_place(chunk: &ColumnChunkMetaData) -> ParquetResult<()> {
    let offsets = [chunk.data_page_offset(), chunk.dictionary_page_offset().unwrap_or(0)];
    if offsets.iter().any(|offset| *offset < 0) || chunk.compressed_size() < 0 {
        return Err(ParquetError::General("a column lies nowhere in it".to_owned()));
    }
    Ok(())
}
