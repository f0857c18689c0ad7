//! Files that are replaced as a whole: whoever reads one finds the old text or the new one, whatever died in between.

use std::io::{Result, Write};
use std::path::Path;

/// Replaces the file at `path`; durable when it returns.
///
/// # Errors
/// The directory does not exist, or the disk says no; then the old file stands.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(directory)?.sync_all()
}
