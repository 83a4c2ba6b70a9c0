use std::io::Read;
use std::path::Path;

use tollgate_types::Secret;

/// Longest file that holds a single secret, in bytes.
const LONGEST_SECRET: usize = 16 * 1024;

/// What the configuration may ask the machine: variables and files. Tests
/// bring their own.
pub trait Surroundings {
    /// A variable of the environment; one that is not Unicode is none.
    fn variable(&self, name: &str) -> Option<String>;

    /// The configuration itself, at most `limit` bytes and one more, so that
    /// the caller sees that there was more.
    ///
    /// # Errors
    /// What the system says.
    fn file(&self, path: &Path, limit: usize) -> std::io::Result<Vec<u8>>;

    /// A file that holds one secret, which only its owner may read.
    ///
    /// # Errors
    /// What is wrong with the file, with the command that mends it.
    fn secret_file(&self, path: &Path) -> Result<Secret, String>;

    /// Whether only the owner may read a file that holds secrets.
    ///
    /// # Errors
    /// What is wrong with the file, with the command that mends it.
    fn private(&self, path: &Path) -> Result<(), String>;
}

/// The machine that the program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        std::fs::File::open(path)?
            .take(limit)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn secret_file(&self, path: &Path) -> Result<Secret, String> {
        tollgate_secrets::read_private(path, LONGEST_SECRET).map_err(|error| error.to_string())
    }

    fn private(&self, path: &Path) -> Result<(), String> {
        tollgate_secrets::check_private(path).map_err(|error| error.to_string())
    }
}

/// No machine at all: no variable is set and no file is there. For text that
/// must not reach out, such as a fuzzer's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Surroundings for Nowhere {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &Path, _limit: usize) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn secret_file(&self, path: &Path) -> Result<Secret, String> {
        Err(format!("`{}` does not exist", path.display()))
    }

    fn private(&self, _path: &Path) -> Result<(), String> {
        Ok(())
    }
}
