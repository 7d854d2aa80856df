use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

const GAP: usize = 2;
/// A column that is cut at last keeps this many characters.
const SHORTEST: usize = 11;

/// Rows of text to be set in columns within a width.
pub(super) struct Aligned {
    pub(super) header: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    /// Columns set to the right.
    pub(super) numbers: Vec<usize>,
    /// How many of the last columns share what the others leave of the line, and are cut to it.
    pub(super) n_flexible: usize,
    /// A column before them that is cut only where they, as narrow as their headers, leave too little.
    pub(super) cut_last: Option<usize>,
}

impl Aligned {
    /// Writes the header and the rows, no line longer than `width` unless the fixed columns are.
    pub(super) fn write(mut self, out: &mut dyn Write, width: u16) -> io::Result<()> {
        let n_fixed = self.header.len() - self.n_flexible;
        self.cut_excess(usize::from(width));
        let widths = self.flexible_widths(width);
        for row in &mut self.rows {
            let cells = row[n_fixed..].iter_mut().zip(&widths);
            cells.for_each(|(text, width)| *text = shorten(text, *width));
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.header).add_rows(self.rows);
        for (i, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, GAP as u16));
            if self.numbers.contains(&i) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    }

    /// Shortens the column that is cut last by what the narrowest line is too long.
    fn cut_excess(&mut self, width: usize) {
        let Some(column) = self.cut_last else { return };
        let n_fixed = self.header.len() - self.n_flexible;
        let fixed: usize = (0..n_fixed).map(|i| self.widest(i)).sum();
        let flexible: usize = self.header[n_fixed..].iter().map(|header| header.len()).sum();
        let narrowest = fixed + flexible + GAP * self.header.len().saturating_sub(1);
        let room = self.widest(column).saturating_sub(narrowest.saturating_sub(width));
        for row in &mut self.rows {
            row[column] = shorten(&row[column], room.max(SHORTEST));
        }
    }

    /// The widths of the flexible columns when the others are as wide as their content: equal
    /// shares of what is left, and what one does not need goes to the next.
    fn flexible_widths(&self, width: u16) -> Vec<usize> {
        let n_fixed = self.header.len() - self.n_flexible;
        let fixed: usize = (0..n_fixed).map(|i| self.widest(i) + GAP).sum();
        let gaps = GAP * self.n_flexible.saturating_sub(1);
        let mut left = usize::from(width).saturating_sub(fixed + gaps);
        let mut narrow_first: Vec<usize> = (n_fixed..self.header.len()).collect();
        narrow_first.sort_by_key(|column| self.widest(*column));
        let mut widths = vec![0; self.n_flexible];
        for (taken, column) in narrow_first.into_iter().enumerate() {
            let share = left / (self.n_flexible - taken);
            let own = self.widest(column).min(share).max(self.header[column].len());
            widths[column - n_fixed] = own;
            left = left.saturating_sub(own);
        }
        widths
    }

    fn widest(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widths = cells.map(|text| text.chars().count());
        widths.chain([self.header[column].len()]).max().unwrap_or(0)
    }
}

/// Returns the text cut to `width` characters, with an ellipsis where something was cut.
pub(super) fn shorten(text: &str, width: usize) -> String {
    // A control character in a name would reach the terminal as a command.
    let text = text.replace(char::is_control, "\u{fffd}");
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_width_and_say_where_they_were_cut() {
        let long = "a mechanism that goes on and on".to_owned();
        let rows = vec![vec!["1".to_owned(), "BCL2".to_owned(), long.clone(), long]];
        let header = vec!["#", "hit", "mechanism", "targets"];
        let mut out = Vec::new();
        Aligned { header, rows, numbers: vec![0], n_flexible: 2, cut_last: None }
            .write(&mut out, 50)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
        assert_eq!(text.matches('…').count(), 2);
    }
}
