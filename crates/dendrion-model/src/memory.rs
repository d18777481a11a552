//! The memory limit. Required memory is estimated and compared with the limit before large amounts of memory
//! are allocated.

use crate::Error;

/// Name of the environment variable that sets the limit in bytes.
pub const MEMORY_LIMIT: &str = "DENDRION_MEMORY_LIMIT";

/// The limit if the size of the memory is unknown.
const UNKNOWN: u64 = 64 << 30;

/// Returns the memory limit in bytes: the value of the environment variable [`MEMORY_LIMIT`] if it is set, otherwise
/// 80 % of the memory of the machine or its control group, or 64 GiB if neither is known.
///
/// # Errors
/// Returns an error if the variable is not a number of bytes.
pub fn memory_limit() -> Result<u64, Error> {
    let Ok(text) = std::env::var(MEMORY_LIMIT) else {
        return Ok(physical_memory().map_or(UNKNOWN, |bytes| bytes / 5 * 4));
    };
    match text.trim().parse::<f64>() {
        Ok(bytes) if bytes >= 1.0 => Ok(bytes as u64),
        _ => Err(Error::parameter("environment", MEMORY_LIMIT, text, "a number of bytes, such as 8e9")),
    }
}

/// Returns an error if `what`, requested by the module at `path`, needs more memory than the limit.
///
/// # Errors
/// Returns [`Error::Memory`], with the bytes needed and the limit.
pub fn check_memory(path: &str, what: &str, bytes: f64) -> Result<(), Error> {
    let limit = memory_limit()?;
    if bytes <= limit as f64 {
        return Ok(());
    }
    Err(Error::Memory { module: path.into(), what: what.into(), needed: bytes, limit })
}

/// Formats a number of bytes with a unit.
pub(crate) fn in_units(bytes: f64) -> String {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    match units.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes / size),
        None => format!("{bytes:.0} bytes"),
    }
}

/// Returns the number of bytes of memory available to this process, if the system reports it in a file.
fn physical_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let machine = total?.trim().parse::<u64>().ok()? * 1024;
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse::<u64>().ok());
    Some(group.map_or(machine, |group| group.min(machine)))
}

#[cfg(test)]
mod tests {
    use super::{check_memory, in_units, memory_limit};

    #[test]
    fn the_default_limit_is_finite_and_large() {
        let limit = memory_limit().expect("a default");
        assert!((1 << 28..1 << 50).contains(&limit), "{limit}");
        assert!(check_memory("cell", "a population", 1e6).is_ok());
        let error = check_memory("cell", "a population of 1e15 neurons", 1e17).expect_err("too much");
        assert_eq!(error.kind(), "MemoryLimitError");
        let text = error.to_string();
        assert!(
            text.starts_with("cell: a population of 1e15 neurons needs about 100000.0 TB of memory"),
            "{text}"
        );
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(in_units(999.0), "999 bytes");
        assert_eq!(in_units(3.25e10), "32.5 GB");
    }
}
