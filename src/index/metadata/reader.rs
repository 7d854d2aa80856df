use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::columnar::Column;
use tantivy::directory::MmapDirectory;
use tantivy::query::{
    BooleanQuery, BoostQuery, FuzzyTermQuery, Occur, Query, QueryParser, TermQuery,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{IndexReader, ReloadPolicy, Score, Term};

use super::expression::{check_expression, check_operators, excluding_by_minus, quoted, refused};
use super::fields::{Fields, register_tokenizers};
use super::frozen::FrozenDirectory;
use super::rows::RowCollector;
use super::{Filter, NameKind};
use crate::embedding::RowSet;
use crate::error::{Error, Result};
use crate::table::lookup_key;

/// Edit distances of longer keys take seconds and gigabytes, and no name is that long.
const LONGEST_FUZZY_KEY: usize = 128;
/// A text to find that is longer is a mistake.
const LONGEST_TEXT: usize = 1_000;
/// The names and annotation of an open index.
pub struct Metadata {
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    n_rows: usize,
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metadata").field("n_rows", &self.n_rows).finish_non_exhaustive()
    }
}

impl Metadata {
    /// The fields a filter expression can name.
    pub const FIELDS: &str =
        "name, synonym, identifier, type, side, target, moa, phase, indication, description";

    /// Opens the folder for reading.
    ///
    /// # Errors
    /// When it is missing, damaged, or does not hold `n_rows` documents.
    pub fn open(folder: &Path, n_rows: usize) -> Result<Self> {
        let damaged = |problem: String| Error::Damaged {
            path: folder.to_path_buf(),
            problem,
            advice: crate::index::REBUILD.to_owned(),
        };
        let (schema, fields) = Fields::schema();
        let index = open_frozen(folder).map_err(|e| damaged(e.to_string()))?;
        if index.schema() != schema {
            return Err(damaged("its fields are not those of this format".to_owned()));
        }
        register_tokenizers(&index);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(|e: tantivy::TantivyError| damaged(e.to_string()))?;
        let metadata = Self { index, reader, fields, n_rows };
        let found = metadata.reader.searcher().num_docs() as usize;
        if found != n_rows {
            return Err(damaged(format!("{found} documents for {n_rows} vectors")));
        }
        Ok(metadata)
    }

    /// Returns the rows that pass a filter.
    ///
    /// # Errors
    /// When the expression cannot be parsed, or a value is one that no row of the index has.
    pub fn rows_passing(&self, filter: &Filter) -> Result<RowSet> {
        let mut passing = RowSet::full(self.n_rows);
        let types = filter.types.iter().map(|kind| kind.cmap_code().to_owned()).collect();
        let lists = [
            ("type", types),
            ("target", filter.targets.clone()),
            ("moa", filter.moas.clone()),
            ("phase", filter.phases.clone()),
        ];
        for (field, values) in lists.iter().filter(|(_, values)| !values.is_empty()) {
            passing = passing.intersect(&self.rows_with_any(field, values)?);
        }
        if let Some(expression) = &filter.expression {
            check_expression(expression)?;
            check_operators(expression)?;
            let query = self.parse(&excluding_by_minus(expression), expression)?;
            let rows = self.rows(&query).map_err(|e| refused(expression, e.to_string()))?;
            passing = passing.intersect(&rows);
        }
        if let Some(rows) = &filter.rows {
            passing = passing.intersect(rows);
        }
        Ok(passing)
    }

    /// The rows with one of several values in a field; a value that no row has is a mistake.
    fn rows_with_any(&self, field: &str, values: &[String]) -> Result<RowSet> {
        let mut any = RowSet::new(self.n_rows);
        for value in values {
            check_expression(value)?;
            let rows = self.rows(&self.parse(&format!("{field}:{}", quoted(value)), value)?)?;
            if rows.is_empty() {
                return Err(Error::data(
                    format!("filter `{value}`"),
                    format!("no perturbation of this index has this {field}"),
                    format!("look for one with `phenocopy find \"{value}\"`"),
                ));
            }
            for row in rows.iter() {
                any.insert(row);
            }
        }
        Ok(any)
    }

    /// Returns the rows that carry exactly this name, ascending, compared by identifier key.
    ///
    /// # Errors
    /// When tantivy cannot read its files.
    pub fn rows_named(&self, name: &str, kind: NameKind) -> Result<Vec<u32>> {
        let key = lookup_key(name);
        let term = Term::from_field_text(self.fields.key_field(kind), &key.to_lowercase());
        Ok(self.rows(&TermQuery::new(term, IndexRecordOption::Basic))?.iter().collect())
    }

    /// Returns the rows that act on exactly this gene: compounds annotated with it and perturbations
    /// of the gene itself.
    ///
    /// # Errors
    /// When tantivy cannot read its files.
    pub fn rows_acting_on(&self, gene: &str) -> Result<RowSet> {
        let term = Term::from_field_text(self.fields.target, &gene.trim().to_lowercase());
        self.rows(&TermQuery::new(term, IndexRecordOption::Basic))
    }

    /// Returns rows with a name or synonym within two edits of this one, or that begins with it.
    ///
    /// # Errors
    /// When tantivy cannot read its files.
    pub fn rows_like(&self, name: &str) -> Result<Vec<u32>> {
        let key = lookup_key(name).to_lowercase();
        if key.len() > LONGEST_FUZZY_KEY {
            return Ok(Vec::new());
        }
        let edits = if key.len() < 5 { 1 } else { 2 };
        let mut clauses: Vec<Box<dyn Query>> = Vec::new();
        for field in [self.fields.name_key, self.fields.synonym_key] {
            let term = Term::from_field_text(field, &key);
            clauses.push(Box::new(FuzzyTermQuery::new(term.clone(), edits, true)));
            if key.len() > 2 {
                clauses.push(Box::new(FuzzyTermQuery::new_prefix(term, 0, true)));
            }
        }
        Ok(self.rows(&BooleanQuery::union(clauses))?.iter().collect())
    }

    /// Returns the rows whose names, identifiers, targets, mechanisms, indications or descriptions
    /// hold all words of a text, the best first, at most `limit`, and how many there are.
    ///
    /// # Errors
    /// When tantivy cannot read its files.
    pub fn find(&self, text: &str, limit: usize) -> Result<(Vec<u32>, usize)> {
        if text.len() > LONGEST_TEXT {
            return Ok((Vec::new(), 0));
        }
        let fields = self.fields;
        let mut clauses = vec![(Occur::Should, self.all_words(text))];
        let key = lookup_key(text).to_lowercase();
        if !key.is_empty() {
            for field in [fields.name_key, fields.synonym_key, fields.identifier_key, fields.target]
            {
                let term = Term::from_field_text(field, &key);
                let exact = TermQuery::new(term.clone(), IndexRecordOption::Basic);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(exact), 10.0))));
                if field != fields.target && key.len() > 2 {
                    let prefix = FuzzyTermQuery::new_prefix(term, 0, true);
                    clauses.push((Occur::Should, Box::new(prefix)));
                }
            }
        }
        let query = BooleanQuery::new(clauses);
        let n_found = self.rows(&query)?.len();
        let searcher = self.reader.searcher();
        let top = TopDocs::with_limit(limit.clamp(1, self.n_rows.max(1))).order_by_score();
        let found = searcher.search(&query, &top).map_err(Error::engine("tantivy", "search"))?;
        let columns = self.row_columns()?;
        let mut rows: Vec<(Score, u32)> = found
            .into_iter()
            .filter_map(|(score, address)| {
                let column = columns.get(address.segment_ord as usize)?;
                Some((score, column.first(address.doc_id)? as u32))
            })
            .collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        Ok((rows.into_iter().map(|(_, row)| row).take(limit).collect(), n_found))
    }

    /// A query for rows that have every word, each in whatever field.
    fn all_words(&self, text: &str) -> Box<dyn Query> {
        let fields = self.fields;
        let searched = [
            fields.name,
            fields.synonym,
            fields.target,
            fields.moa,
            fields.phase,
            fields.indication,
            fields.description,
        ];
        let parser = QueryParser::for_index(&self.index, searched.to_vec());
        let words = text.split_whitespace().map(|word| parser.parse_query_lenient(&quoted(word)).0);
        Box::new(BooleanQuery::intersection(words.collect()))
    }

    fn row_columns(&self) -> Result<Vec<Column<u64>>> {
        let searcher = self.reader.searcher();
        let columns: tantivy::Result<_> = searcher
            .segment_readers()
            .iter()
            .map(|segment| segment.fast_fields().u64("row"))
            .collect();
        columns.map_err(Error::engine("tantivy", "read the row numbers"))
    }

    fn parse(&self, expression: &str, shown: &str) -> Result<Box<dyn Query>> {
        let fields = self.fields;
        let words = [fields.name, fields.synonym, fields.moa, fields.target];
        QueryParser::for_index(&self.index, words.to_vec())
            .parse_query(expression)
            .map_err(|e| refused(shown, e.to_string()))
    }

    fn rows(&self, query: &dyn Query) -> Result<RowSet> {
        let rows = self
            .reader
            .searcher()
            .search(query, &RowCollector)
            .map_err(Error::engine("tantivy", "search"))?;
        let mut set = RowSet::new(self.n_rows);
        for row in rows {
            set.insert(row);
        }
        Ok(set)
    }
}

fn open_frozen(folder: &Path) -> tantivy::Result<tantivy::Index> {
    let directory = MmapDirectory::open(folder)?;
    tantivy::Index::open(FrozenDirectory(directory))
}
