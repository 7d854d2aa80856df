use std::path::Path;

use serde::{Deserialize, Serialize};

/// How a text table is written, where its own signs are not to be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextFormat {
    /// The separator follows from the header line and, where that leaves a doubt, from the extension.
    #[default]
    Detect,
    /// Comma separated.
    Comma,
    /// Tab separated.
    Tab,
    /// Semicolon separated.
    Semicolon,
}

impl TextFormat {
    /// Returns whether the separator is detected; recipes need not say so.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's `skip_serializing_if` passes a reference
    pub fn is_detected(&self) -> bool {
        *self == Self::Detect
    }

    /// Returns the separator, a comma where it is to be detected.
    pub(in crate::table) fn byte(self) -> u8 {
        match self {
            Self::Detect | Self::Comma => b',',
            Self::Tab => b'\t',
            Self::Semicolon => b';',
        }
    }
}

/// How a table is written, as its reader found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writing {
    /// As text.
    Text(TextWriting),
    /// As Parquet.
    Parquet,
    /// As the first sheet of an Excel workbook.
    Workbook,
}

/// How a text table is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TextWriting {
    /// What separates its cells; never [`TextFormat::Detect`].
    pub separator: TextFormat,
    /// Whether it is compressed by gzip.
    pub is_gzip: bool,
    /// Whether it begins with the byte order mark of UTF-8.
    pub has_byte_order_mark: bool,
}

/// Lines that start with this sign are comments in the tables of the Drug Repurposing Hub.
pub(in crate::table) const COMMENT: u8 = b'!';

/// Returns the separator that is said or, where it is not, that of the first line that is no comment.
pub(in crate::table) fn separator(format: TextFormat, path: &Path, start: &[u8]) -> TextFormat {
    if format != TextFormat::Detect {
        return format;
    }
    let name = path.to_string_lossy().to_lowercase();
    let name = name.trim_end_matches(".gz");
    let is_tabbed = name.ends_with(".tsv") || name.ends_with(".txt");
    let by_extension = if is_tabbed { TextFormat::Tab } else { TextFormat::Comma };
    let header = start.split(|byte| *byte == b'\n').find(|line| line.first() != Some(&COMMENT));
    let counts = separator_counts(header.unwrap_or_default());
    let n_by_extension = counts.iter().find(|(own, _)| *own == by_extension).map_or(0, |c| c.1);
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| *count > n_by_extension).map_or(by_extension, |(own, _)| own)
}

fn separator_counts(line: &[u8]) -> [(TextFormat, usize); 3] {
    let separators = [TextFormat::Comma, TextFormat::Tab, TextFormat::Semicolon];
    let mut counts = separators.map(|separator| (separator, 0));
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(own, _)| own.byte() == *byte)
            && !quoted
        {
            *count += 1;
        }
    }
    counts
}
