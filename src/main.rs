//! `linac`: arguments → subcommand → exit code.

use std::process::ExitCode;

use app::{Cli, Command};

fn main() -> ExitCode {
    let outcome = match Cli::from_arguments().command {
        Command::Serve(args) => app::serve(args),
        Command::Config(command) => app::config(command),
        Command::Env(args) => app::env(&args),
        Command::Purge(args) => app::purge(&args),
        Command::Warm(args) => app::warm(&args),
        Command::Explain(args) => app::explain(&args),
        Command::Report(args) => app::report(&args),
        Command::Reload(args) => app::reload(&args),
        Command::Healthcheck(args) => app::healthcheck(&args),
        Command::Completions { shell } => app::completions(shell),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("linac: {failed}");
            ExitCode::from(failed.exit_code())
        }
    }
}
