//! The `phenocopy` command: arguments in, one subcommand, an exit code out.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod cli;

use std::process::ExitCode;

/// candle and hnsw_rs allocate a great deal; with the system's allocator half the training time goes to page faults.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
