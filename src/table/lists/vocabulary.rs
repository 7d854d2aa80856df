use std::collections::HashMap;

use crate::table::parquet_file::Element;

/// What lists hold: the names of readouts, in the order of their first appearance.
#[derive(Default)]
pub(super) struct Vocabulary {
    /// The names, whole numbers as text.
    pub(super) names: Vec<String>,
    numbers: HashMap<i64, usize>,
    texts: HashMap<Vec<u8>, usize>,
}

impl Vocabulary {
    /// Takes in an element, unless it is known.
    pub(super) fn learn(&mut self, element: Element<'_>) {
        if self.position(element).is_some() {
            return;
        }
        let position = self.names.len();
        match element {
            Element::Whole(number) => {
                self.names.push(number.to_string());
                self.numbers.insert(number, position);
            }
            Element::Text(text) => {
                self.names.push(String::from_utf8_lossy(text).trim().to_owned());
                self.texts.insert(text.to_owned(), position);
            }
            Element::Real(_) => {}
        }
    }

    /// Returns the position of an element's name; none if it is not known.
    pub(super) fn position(&self, element: Element<'_>) -> Option<usize> {
        match element {
            Element::Whole(number) => self.numbers.get(&number).copied(),
            Element::Text(text) => self.texts.get(text).copied(),
            Element::Real(_) => None,
        }
    }
}
