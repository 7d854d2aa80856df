use std::io::{BufRead, Read};

/// Text whose `\r\n` line ends are read as `\n`, so that lines are counted right.
///
/// A lone `\r` stays: it ends a line in files of old Macs, which csv knows.
pub(in crate::table) struct UnixLines<R> {
    text: R,
    holds_return: bool,
}

impl<R: BufRead> UnixLines<R> {
    pub(in crate::table) fn new(text: R) -> Self {
        Self { text, holds_return: false }
    }
}

impl<R: BufRead> Read for UnixLines<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut n_written = 0;
        while n_written < out.len() {
            let chunk = match (n_written, self.text.fill_buf()) {
                (_, Ok(chunk)) => chunk,
                // What is read already is handed over first; the error comes again.
                (1.., Err(_)) => break,
                (0, Err(error)) => return Err(error),
            };
            let Some(&byte) = chunk.first() else {
                if std::mem::take(&mut self.holds_return) {
                    out[n_written] = b'\r';
                    n_written += 1;
                }
                break;
            };
            if std::mem::take(&mut self.holds_return) && byte != b'\n' {
                out[n_written] = b'\r';
                n_written += 1;
                continue;
            }
            let until_return = chunk.iter().position(|byte| *byte == b'\r');
            let n_taken = until_return.unwrap_or(chunk.len()).min(out.len() - n_written);
            out[n_written..n_written + n_taken].copy_from_slice(&chunk[..n_taken]);
            self.holds_return = until_return == Some(n_taken);
            n_written += n_taken;
            self.text.consume(n_taken + usize::from(self.holds_return));
        }
        Ok(n_written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn read(text: &str, capacity: usize) -> String {
        let mut out = String::new();
        let source = BufReader::with_capacity(capacity, text.as_bytes());
        UnixLines::new(source).read_to_string(&mut out).unwrap();
        out
    }

    proptest! {
        #[test]
        fn only_returns_before_line_feeds_are_dropped(text in "[ab\r\n]{0,40}", capacity in 1_usize..8) {
            prop_assert_eq!(read(&text, capacity), text.replace("\r\n", "\n"));
        }
    }
}
