use super::failure::Failure;
use crate::config::{self, Surroundings};
use crate::paths::Paths;

/// Reads the configuration before anything is bound, then runs the gateway.
pub(super) fn run(paths: Paths, surroundings: &dyn Surroundings) -> Result<(), Failure> {
    let settings = config::load(&paths, surroundings).map_err(|faults| {
        let number = faults.faults.len();
        let all = format!("faults in the configuration: {number}, expected none\n{faults}");
        Failure::usage(anyhow::anyhow!(all)).hint("`tollgate config check` looks at it again")
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    runtime
        .block_on(crate::serve::run(settings, paths))
        .map_err(Failure::failed)
}
