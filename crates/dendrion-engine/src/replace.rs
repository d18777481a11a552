//! Atomic replacement of files: a reader finds either the old or the new content, but never incomplete
//! content.
//!
//! The new content is written in a folder next to the target:
//!
//! ```text
//! folder/.dendrion-PID-N.part/    mode 0700, so that unfinished content is not readable by others
//!     lock                        locked while the writer lives
//!     NAME                        the new content
//! ```
//!
//! The new file then gets the old file's permissions, is synced, and is renamed over the target. The
//! operating system releases the lock when a process dies, so a later writer can distinguish folders that a
//! killed process left behind from folders in use, and removes the former.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = ".dendrion-";
const SUFFIX: &str = ".part";
const LOCK: &str = "lock";

/// Replaces the file at `path` durably. `write` writes the new content to an empty file. If this fails, the
/// old file is unchanged.
///
/// # Errors
/// Returns the error of the operating system, or an error if `path` is not a regular file.
pub fn replace_file(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let replacement = Replacement::of(path)?;
    write(&File::create_new(replacement.path())?)?;
    replacement.finish()
}

/// Reads a regular file. Other kinds of files, such as pipes and devices, cause an error, because reading them may
/// never end.
///
/// # Errors
/// Returns the error of the operating system, or an error if `path` is not a regular file.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    check_regular(path)?;
    fs::read(path)
}

/// Opens a regular file for reading. Other kinds of files, such as pipes and devices, cause an error, because reading
/// them may never end.
///
/// # Errors
/// Returns the error of the operating system, or an error if `path` is not a regular file.
pub fn open_file(path: &Path) -> io::Result<File> {
    check_regular(path)?;
    File::open(path)
}

fn check_regular(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() { Ok(()) } else { Err(io::Error::other("is not a regular file")) }
}

/// A file that is being written and will replace another file. Dropping it discards its content.
#[derive(Debug)]
pub struct Replacement {
    part: Part,
    path: PathBuf,
    target: PathBuf,
}

impl Replacement {
    /// Prepares the replacement of the file at `path`, and removes the files that killed processes left in its
    /// folder.
    ///
    /// # Errors
    /// Returns the error of the operating system, or an error if `path` is not a regular file or has no file name.
    pub fn of(path: &Path) -> io::Result<Self> {
        // A symbolic link is kept, and the file to which it points is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        match fs::metadata(&target) {
            Ok(found) if !found.is_file() => return Err(io::Error::other("is not a regular file")),
            _ => {}
        }
        let Some(name) = target.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not the name of a file"));
        };
        let folder = target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        remove_leftovers(folder);
        let part = Part::make(folder)?;
        let path = part.folder.join(name);
        Ok(Self { part, path, target })
    }

    /// Returns the path of the new content, which has the file name of the target.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Durably replaces the target with the new content.
    ///
    /// # Errors
    /// Returns the error of the operating system. The old file is then unchanged.
    pub fn finish(self) -> io::Result<()> {
        let target = self.target.clone();
        self.finish_as(&target)
    }

    /// Like [`Replacement::finish`], but replaces the file `target`, which must be in the same folder.
    ///
    /// # Errors
    /// Returns the error of the operating system. The old file, if any, is then unchanged.
    pub fn finish_as(self, target: &Path) -> io::Result<()> {
        // Some systems sync only files that are open for writing.
        let file = File::options().write(true).open(&self.path)?;
        if let Ok(old) = fs::metadata(target) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        drop(file);
        fs::rename(&self.path, target)?;
        drop(self.part);
        // The new name is durable once its folder is synced. Not all systems can open a folder.
        let folder = target.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

/// A folder for unfinished files, removed when dropped.
#[derive(Debug)]
struct Part {
    folder: PathBuf,
    lock: Option<File>,
}

impl Part {
    fn make(parent: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        loop {
            let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let folder = parent.join(format!("{PREFIX}{process}-{count}{SUFFIX}"));
            match make_private(&folder) {
                // A killed process with the same number left this folder behind.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            let lock = match File::create_new(folder.join(LOCK)) {
                // Another process removed the folder while it was empty, because it looked like a leftover.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                made => made?,
            };
            // On systems where files cannot be locked, no process removes leftovers either.
            let _ = lock.lock();
            let part = Self { folder, lock: Some(lock) };
            // Another process may have removed the folder before it was locked.
            if part.folder.join(LOCK).exists() {
                return Ok(part);
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = remove_part(&self.folder);
        self.lock = None;
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes the unfinished files of killed processes. Errors are ignored, because the new file does not depend
/// on the removal.
fn remove_leftovers(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_part = name.to_str().is_some_and(|n| n.starts_with(PREFIX) && n.ends_with(SUFFIX));
        if !is_part {
            continue;
        }
        let Ok(lock) = File::options().write(true).open(entry.path().join(LOCK)) else {
            // The process died before it created the lock or after it removed it, or it is about to create it
            // (and then tries again). In all cases the folder is empty. Folders that are not empty belong to
            // other programs and are kept.
            let _ = fs::remove_dir(entry.path());
            continue;
        };
        match lock.try_lock() {
            Ok(()) => {
                let _ = remove_part(&entry.path());
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

/// Removes a folder of unfinished files, the lock last: if this process dies in between, a later writer can finish
/// the removal.
fn remove_part(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(folder.join(LOCK))?;
    fs::remove_dir(folder)
}
