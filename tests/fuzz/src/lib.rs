//! What the targets share: bytes become a file, as everything is read by path.

use std::io::Write;
use std::path::Path;

/// Writes bytes to a file and hands its path over; where there is no room for it nothing is tried.
pub fn with_file(bytes: &[u8], read: impl FnOnce(&Path)) {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(bytes).and_then(|()| file.flush()).is_ok() {
        read(file.path());
    }
}
