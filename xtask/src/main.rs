//! The project's own commands: `cargo xtask tidy`, `cargo xtask test`, `cargo xtask parts`, `cargo xtask deny`,
//! `cargo xtask bench`, `cargo xtask dist`, `cargo xtask examples`, `cargo xtask soak`, `cargo xtask fuzz`.
//!
//! They need Rust, Python 3 and Node, and Go for OpenTelemetry's collector alone, without which its tests are skipped; what
//! they fetch comes from the package registries those are set up for, at pinned versions, and is kept under the target
//! directory.
#![expect(clippy::print_stdout, reason = "a command-line program: its report is its output")]

mod bench;
mod counterparts;
mod deny;
mod dist;
mod examples;
mod fuzz;
mod soak;
mod step;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy      check the rules of the house that the compiler does not know
  test      build, run every test, then the tests against real parts
  parts     only install what the tests against real parts need
  examples  build and run the examples that take minutes to install; takes their names
  soak      100,000 requests while configuration, functions and Lambda do their worst
  fuzz      run the fuzz targets, each for a minute; takes arguments, `cargo xtask fuzz help`
  deny      check bans, licences and sources of the dependencies
  bench     measure the programs beside their peers; takes arguments, `cargo xtask bench help`
  dist      pack the adapter as it is shipped; takes arguments, `cargo xtask dist help`";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    let command = args.next().unwrap_or_default();
    if !["bench", "dist", "examples", "fuzz"].contains(&command.as_str())
        && let Some(extra) = args.peek()
    {
        eprintln!("`{extra}` is one argument too many\n{USAGE}");
        return ExitCode::from(2);
    }
    let outcome = match command.as_str() {
        "tidy" => tidy::run(),
        "test" => test::run(),
        "parts" => workspace::load().and_then(|workspace| counterparts::prepare(&workspace)).map(drop),
        "soak" => soak::run(),
        "deny" => deny::run(),
        "bench" => bench::run(args),
        "fuzz" => fuzz::run(args),
        "examples" => examples::run(args),
        "dist" => dist::run(args),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("`{other}` is not a command\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
