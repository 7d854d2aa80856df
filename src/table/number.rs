use super::name::is_missing_bytes;

/// What a cell of a matrix holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    Number(f32),
    Missing,
    Infinite,
    NotANumber,
}

/// Reads one cell; surrounding blanks do not count.
pub(super) fn parse_cell(cell: &[u8]) -> Cell {
    let cell = cell.trim_ascii();
    if cell.is_empty() {
        return Cell::Missing;
    }
    let number = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f32>().ok());
    match number {
        // -666 is CMap's "not known"; real values near it do not occur in any of the formats read here.
        Some(value) if value.is_nan() || is_minus_666(value) => Cell::Missing,
        Some(value) if value.is_infinite() => Cell::Infinite,
        Some(value) => Cell::Number(value),
        None if is_missing_bytes(cell) => Cell::Missing,
        None => Cell::NotANumber,
    }
}

/// Returns whether a number is CMap's "not known".
pub(super) fn is_minus_666(value: f32) -> bool {
    value.to_bits() == (-666.0_f32).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbers_missing_infinite_or_wrong() {
        assert_eq!(parse_cell(b" -1.25e1 "), Cell::Number(-12.5));
        for missing in [&b""[..], b"NaN", b"NA", b"-666", b"-666.0", b"null"] {
            assert_eq!(parse_cell(missing), Cell::Missing);
        }
        for infinite in [&b"inf"[..], b"-Infinity", b"1e99"] {
            assert_eq!(parse_cell(infinite), Cell::Infinite);
        }
        for wrong in [&b"high"[..], b"1,5", b"0x10", b"1 2", b"\xff"] {
            assert_eq!(parse_cell(wrong), Cell::NotANumber);
        }
    }
}
