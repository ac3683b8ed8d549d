//! The `dvs` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    switch_user::cli::main()
}
