//! The `lambridge` command.
//!
//! `main` reads the command line and hands over to one module a command. Nothing here knows how a request is
//! served; that is the gateway's, the emulator's and the adapter's affair.

// A call of Lambda's API is a future of futures down to the socket: more than the compiler's usual bound on nesting.
#![recursion_limit = "256"]

mod args;
mod bind;
mod check;
mod configuration;
mod convert;
mod create;
mod descriptors;
mod dev;
mod emulator;
mod explain;
mod gateway;
mod output;
mod proxy_url;
mod reload;
mod sample;
mod stations;
mod upstream;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::args::{Args, Command, Get, Proxy};

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Gateway(options) => gateway::run(&options),
        Command::Dev(options) => dev::run(&options),
        Command::Emulator(options) => emulator::run(&options),
        Command::Adapter => lambridge_adapter::run(configuration::environment_pairs()),
        Command::Check(options) => check::run(&options),
        Command::Convert(options) => convert::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Schema => {
            output::say(&format!("{:#}", lambridge_config::schema()));
            ExitCode::SUCCESS
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "lambridge", &mut script);
            output::say(String::from_utf8_lossy(&script).trim_end());
            ExitCode::SUCCESS
        }
        Command::Create { what } => create::run(&what),
        Command::Get { what: Get::Upstream(options) } => upstream::run(&options),
        Command::Proxy { what: Proxy::Url(options) } => proxy_url::run(&options),
        Command::ExecChild { command } => {
            let error = lambridge_emulator::exec_child(command.iter().cloned());
            output::complain(&format!(
                "cannot start `{}`: {error}",
                command.first().map_or("".into(), |c| c.to_string_lossy())
            ));
            ExitCode::from(127)
        }
        Command::GuardChildren => {
            lambridge_emulator::guard_children(std::io::stdin());
            ExitCode::SUCCESS
        }
        Command::SampleApp => sample::app::run(),
        Command::SampleFunction => sample::function::run(),
    }
}
