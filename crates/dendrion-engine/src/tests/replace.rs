//! Files are replaced atomically, and unfinished files of killed writers are removed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::replace::{Replacement, read_file, replace_file};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    replace_file(&path, |mut f| f.write_all(b"old")).unwrap();
    let failed = replace_file(&path, |mut f| {
        f.write_all(b"new")?;
        Err(io::Error::other("full"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "full");
    assert_eq!(read_file(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["a"]);
}

/// A killed writer no longer holds its lock, and a running one does.
#[test]
fn only_leftovers_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join(".dendrion-1-1.part");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("lock"), b"").unwrap();
    fs::write(dead.join("b"), b"half").unwrap();
    // A writer that was killed before it created its lock, or after it removed its content and the lock.
    let early = folder.path().join(".dendrion-1-2.part");
    fs::create_dir(&early).unwrap();
    let strange = folder.path().join(".dendrion-mine.part");
    fs::write(&strange, b"a file of someone else").unwrap();
    let alive = Replacement::of(&folder.path().join("a")).unwrap();
    fs::write(alive.path(), b"whole").unwrap();
    replace_file(&folder.path().join("b"), |mut f| f.write_all(b"b")).unwrap();
    assert!(!dead.exists());
    assert!(!early.exists());
    assert!(strange.exists());
    alive.finish().unwrap();
    assert_eq!(read_file(&folder.path().join("a")).unwrap(), b"whole");
    assert_eq!(names(folder.path()), [".dendrion-mine.part", "a", "b"]);
}

#[cfg(unix)]
#[test]
fn unfinished_content_is_private_and_finished_content_has_the_old_mode() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, b"secret").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let replacement = Replacement::of(&path).unwrap();
    File::create(replacement.path()).unwrap();
    assert_eq!(mode(replacement.path().parent().unwrap()), 0o700);
    replacement.finish().unwrap();
    assert_eq!(mode(&path), 0o600);
}
