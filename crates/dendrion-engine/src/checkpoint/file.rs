//! Files: written beside the old one and put in its place whole, so that one that could be read still can, whatever happens.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dendrion_model::Error;

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |e: io::Error| Error::file(path, &e);
    // Others may have no end.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(no_file(path));
    }
    fs::read(path).map_err(failed)
}

/// Puts a file in the place of `path`, durably; where that fails, what was there stays, and nothing is left over.
pub(crate) fn write(path: &Path, pieces: &[Vec<u8>]) -> Result<(), Error> {
    // The file that a link leads to is what is replaced, and not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&target) {
        Ok(there) if !there.is_file() => return Err(no_file(path)),
        _ => replace(&target, pieces).map_err(|e| Error::file(path, &e)),
    }
}

fn replace(target: &Path, pieces: &[Vec<u8>]) -> io::Result<()> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dendrion-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As of any new file, less what the process masks.
        let usual = || fs::Permissions::from_mode(0o666);
        builder.permissions(fs::metadata(target).map_or_else(|_| usual(), |there| there.permissions()));
    }
    // It vanishes unless it is put in its place.
    let mut file = builder.tempfile_in(&folder).map_err(cause)?;
    pieces.iter().try_for_each(|piece| file.as_file_mut().write_all(piece))?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|e| e.error)?;
    // The name is durable once the folder is; not every system can say so.
    let _ = File::open(&folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// What the system said, without what was added to it.
fn cause(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|e| e.source()).and_then(|e| e.downcast_ref::<io::Error>());
    inner.and_then(io::Error::raw_os_error).map_or(error, io::Error::from_raw_os_error)
}

fn no_file(path: &Path) -> Error {
    let what = "is no regular file";
    Error::File { path: path.display().to_string(), what: what.into(), code: None }
}
