//! Files: written beside the old one and put in its place whole, so that one that could be read still can, whatever happens.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

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

/// Puts a file in the place of `path`.
pub(crate) fn write(path: &Path, pieces: &[Vec<u8>]) -> Result<(), Error> {
    let all = |mut file: &File| pieces.iter().try_for_each(|piece| file.write_all(piece));
    replace_file(path, all).map_err(|e| Error::file(path, &e))
}

/// Puts a file in the place of `path`, durably: `write` is given one beside it, which takes the name once it is whole. Where that
/// fails, what was there stays, and nothing is left over.
///
/// # Errors
/// What the system says; something at `path` that is no regular file.
pub fn replace_file(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    // The file that a link leads to is what is replaced, and not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    match fs::metadata(&target) {
        Ok(there) if !there.is_file() => Err(io::Error::other(NO_FILE)),
        _ => replace(&target, write),
    }
}

fn replace(target: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let folder = target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut part = Part::in_folder(folder)?;
    if let Ok(old) = fs::metadata(target) {
        part.file.set_permissions(old.permissions())?;
    }
    write(&part.file)?;
    part.file.sync_all()?;
    fs::rename(&part.path, target)?;
    part.is_in_place = true;
    // The name is durable once the folder is; not every system can say so.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// A file that vanishes unless it is put in its place.
struct Part {
    path: PathBuf,
    file: File,
    is_in_place: bool,
}

impl Part {
    /// One of a name that no other has.
    fn in_folder(folder: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = folder.join(format!(".dendrion-{process}-{count}.part"));
            match File::create_new(&path) {
                // One that a killed process left.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                made => return Ok(Self { path, file: made?, is_in_place: false }),
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

const NO_FILE: &str = "is no regular file";

fn no_file(path: &Path) -> Error {
    Error::File { path: path.display().to_string(), what: NO_FILE.into(), code: None }
}
