use hdf5_reader::FilterRegistry;
use hdf5_reader::error::Error;

/// The number under which h5py registered LZF.
const FILTER: u16 = 32000;

/// Returns the filters of HDF5, and the LZF of h5py (anndata's `compression="lzf"`).
pub(super) fn filters() -> FilterRegistry {
    let mut filters = FilterRegistry::new();
    let damaged = || Error::DecompressionError("LZF: the stream is damaged".to_owned());
    filters.register(
        FILTER,
        Box::new(move |_, compressed, _| decompress(compressed).ok_or_else(damaged)),
    );
    filters
}

/// Returns what Marc Lehmann's LZF made a stream of, at most 88 times as long; none if it is damaged.
///
/// A stream is made of runs. A first byte below 32 says how many bytes follow as they are, less one. Any other repeats
/// what came before: its upper three bits (7: and the next byte, added to them) are the length less two; its lower five bits
/// and the next byte say how far back to begin, less one.
fn decompress(mut stream: &[u8]) -> Option<Vec<u8>> {
    const LITERAL: u8 = 32;
    const LONG: usize = 7;
    let mut bytes = Vec::new();
    while let Some((first, rest)) = stream.split_first() {
        if *first < LITERAL {
            let (literals, rest) = rest.split_at_checked(usize::from(*first) + 1)?;
            bytes.extend_from_slice(literals);
            stream = rest;
            continue;
        }
        let (mut length, mut rest) = (usize::from(*first >> 5), rest);
        if length == LONG {
            let (more, after) = rest.split_first()?;
            length += usize::from(*more);
            rest = after;
        }
        let (low, after) = rest.split_first()?;
        let back = (usize::from(*first & 31) << 8) + usize::from(*low) + 1;
        let start = bytes.len().checked_sub(back)?;
        // What is repeated may reach into itself.
        for at in start..start + length + 2 {
            bytes.push(*bytes.get(at)?);
        }
        stream = after;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_copied_and_repeats_may_reach_into_themselves() {
        assert_eq!(decompress(b"\x02abc").unwrap(), b"abc");
        // `ab`, then 6 bytes from 2 back.
        assert_eq!(decompress(b"\x01ab\x80\x01").unwrap(), b"abababab");
        // One byte, then 7 + 3 + 2 of it.
        assert_eq!(decompress(b"\x00x\xe0\x03\x00").unwrap(), b"xxxxxxxxxxxxx");
        assert_eq!(decompress(b"").unwrap(), b"");
    }

    #[test]
    fn a_stream_that_is_cut_off_or_begins_before_its_start_is_none() {
        for damaged in [&b"\x02ab"[..], b"\x00x\x20", b"\x00x\xe0", b"\x00x\x20\x01", b"\x20\x00"] {
            assert_eq!(decompress(damaged), None, "{damaged:?}");
        }
    }
}
