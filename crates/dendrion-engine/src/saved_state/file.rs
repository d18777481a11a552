//! Files of saved states.

use std::io::Write;
use std::path::Path;

use dendrion_model::Error;

use crate::replace::{read_file, replace_file};

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_file(path).map_err(|e| Error::file(path, &e))
}

/// Puts a file in the place of `path`.
pub(crate) fn write(path: &Path, pieces: &[Vec<u8>]) -> Result<(), Error> {
    replace_file(path, |mut file| pieces.iter().try_for_each(|piece| file.write_all(piece)))
        .map_err(|e| Error::file(path, &e))
}
