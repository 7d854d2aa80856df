use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{LowerCaser, RawTokenizer, TextAnalyzer};

use super::NameKind;
use crate::index::record::Record;
use crate::table::lookup_key;

const KEYWORD: &str = "keyword";
/// A name's key longer than this is no name; tantivy refuses terms beyond 64 KiB.
const LONGEST_KEY: usize = 512;

/// The fields of a document: one per perturbation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) row: Field,
    pub(super) name_key: Field,
    pub(super) synonym_key: Field,
    pub(super) identifier_key: Field,
    pub(super) name: Field,
    pub(super) synonym: Field,
    pub(super) perturbation_type: Field,
    pub(super) side: Field,
    pub(super) target: Field,
    pub(super) moa: Field,
    pub(super) phase: Field,
    pub(super) indication: Field,
    pub(super) description: Field,
}

impl Fields {
    pub(super) fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let keyword = || indexed_as(KEYWORD, IndexRecordOption::Basic);
        let text = || indexed_as("default", IndexRecordOption::WithFreqsAndPositions);
        let fields = Self {
            row: schema.add_u64_field("row", INDEXED | FAST),
            name_key: schema.add_text_field("name_key", keyword()),
            synonym_key: schema.add_text_field("synonym_key", keyword()),
            identifier_key: schema.add_text_field("identifier", keyword()),
            name: schema.add_text_field("name", text()),
            synonym: schema.add_text_field("synonym", text()),
            perturbation_type: schema.add_text_field("type", keyword()),
            side: schema.add_text_field("side", keyword()),
            target: schema.add_text_field("target", keyword()),
            moa: schema.add_text_field("moa", text()),
            phase: schema.add_text_field("phase", text()),
            indication: schema.add_text_field("indication", text()),
            description: schema.add_text_field("description", text()),
        };
        (schema.build(), fields)
    }

    pub(super) fn key_field(self, kind: NameKind) -> Field {
        match kind {
            NameKind::Name => self.name_key,
            NameKind::Synonym => self.synonym_key,
            NameKind::Identifier => self.identifier_key,
        }
    }

    pub(super) fn document(self, row: usize, record: &Record) -> tantivy::TantivyDocument {
        let mut document = tantivy::TantivyDocument::default();
        let annotation = &record.annotation;
        let perturbation = &record.perturbation;
        document.add_u64(self.row, row as u64);
        let mut add_key = |field, text: &str| {
            let key = lookup_key(text);
            if !key.is_empty() && key.len() <= LONGEST_KEY {
                document.add_text(field, &key);
            }
        };
        for name in [perturbation.symbol().as_str(), perturbation.agent(), record.name()] {
            add_key(self.name_key, name);
        }
        annotation.synonyms.iter().for_each(|synonym| add_key(self.synonym_key, synonym));
        for identifier in &annotation.identifiers {
            add_key(self.identifier_key, identifier);
            broad_compound(identifier).into_iter().for_each(|id| add_key(self.identifier_key, id));
        }
        add_key(self.identifier_key, &annotation.inchi_key);
        document.add_text(self.name, record.name());
        document.add_text(self.name, perturbation.agent());
        annotation.synonyms.iter().for_each(|synonym| document.add_text(self.synonym, synonym));
        document.add_text(self.perturbation_type, perturbation.perturbation_type().cmap_code());
        document.add_text(self.side, perturbation.side().as_str());
        record.acts_on().iter().for_each(|gene| document.add_text(self.target, gene));
        annotation.moas.iter().for_each(|moa| document.add_text(self.moa, &moa.0));
        document.add_text(self.phase, &annotation.phase);
        annotation.indications.iter().for_each(|text| document.add_text(self.indication, text));
        document.add_text(self.description, &annotation.description);
        document
    }
}

/// Returns the compound of a Broad sample id: `BRD-K62391742` of `BRD-K62391742-001-08-9`.
fn broad_compound(identifier: &str) -> Option<&str> {
    const LENGTH: usize = "BRD-K62391742".len();
    identifier.strip_prefix("BRD-").and_then(|_| identifier.get(..LENGTH))
}

fn indexed_as(tokenizer: &str, option: IndexRecordOption) -> TextOptions {
    let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
    TextOptions::default().set_indexing_options(indexing)
}

pub(super) fn register_tokenizers(index: &tantivy::Index) {
    let keyword = TextAnalyzer::builder(RawTokenizer::default()).filter(LowerCaser).build();
    index.tokenizers().register(KEYWORD, keyword);
}
