//! Reading and writing of saved states in parts, between which an interrupt can stop the operation.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use dendrion_model::allocate::reserve;
use dendrion_model::{Error, check_interrupt};

use crate::replace::{open_file, replace_file};

/// Number of bytes in a part.
const PART: usize = 1 << 22;

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |e: &std::io::Error| Error::file(path, e);
    let mut file = open_file(path).map_err(|e| failed(&e))?;
    let size = file.metadata().map_err(|e| failed(&e))?.len() as usize;
    let mut bytes = Vec::new();
    let needed = |error: Error| error.needed_by("network: load_state", || path.display().to_string());
    reserve(&mut bytes, size).map_err(needed)?;
    loop {
        check_interrupt()?;
        reserve(&mut bytes, PART).map_err(needed)?;
        let read = (&mut file).take(PART as u64).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
        if read == 0 {
            return Ok(bytes);
        }
    }
}

/// Writes a file, which replaces an existing one at `path`.
pub(crate) fn write(path: &Path, pieces: &[Vec<u8>]) -> Result<(), Error> {
    let mut interrupted = false;
    let written = replace_file(path, |mut file| {
        for part in pieces.iter().flat_map(|piece| piece.chunks(PART)) {
            interrupted = check_interrupt().is_err();
            if interrupted {
                return Err(ErrorKind::Interrupted.into());
            }
            file.write_all(part)?;
        }
        Ok(())
    });
    if interrupted { Err(Error::Interrupted) } else { written.map_err(|e| Error::file(path, &e)) }
}
