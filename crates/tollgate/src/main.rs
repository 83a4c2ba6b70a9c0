//! `tollgate`: one gate between AI agents and everything they touch.

/// Half the time of the system's allocator for the small, short-lived pieces
/// that a relayed request is made of.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    tollgate::cli::main()
}
