//! `lambridge dev`: gateway and emulator in one process.
//!
//! Calls go to the emulator unless the file names an endpoint. They are signed with a pair made up at start, which
//! the emulator checks, so that a signing fault shows on the desk and not in production. Others may call the emulator as
//! they may without a gateway: with any credentials, unless the file says which.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use lambridge_config::Loaded;
use lambridge_gateway::Surroundings;
use lambridge_model::{Credentials, Model, Secret};

use crate::args::Dev;
use crate::gateway::{Signals, block_on, exit, serve_until_told};
use crate::reload::Watch;
use crate::stations::Stations;
use crate::{bind, configuration, emulator, gateway, output, sample};

pub fn run(options: &Dev) -> ExitCode {
    let builtin = options.config.is_empty();
    let loaded = load(options);
    configuration::complain(&loaded.diagnostics);
    let Some(model) = loaded.model else { return ExitCode::FAILURE };
    exit(block_on(serve(options, model, loaded.watched, builtin)))
}

async fn serve(
    options: &Dev,
    mut model: Model,
    watched: Vec<std::path::PathBuf>,
    builtin: bool,
) -> Result<(), String> {
    let pair = Pair::make_up()?;
    let mut key_pairs = vec![(pair.id.clone(), pair.secret.clone())];
    key_pairs.extend(model.emulator.credentials.clone());
    key_pairs.extend(pairs_of(&model));

    let mut signals = Signals::listen()?;
    let stations = Stations::start().await?;
    if builtin {
        sample::point_at(&mut model, &stations);
        sample::take_free_ports(&mut model).await;
    }
    let emulator = emulator::start(emulator::settings(&model, model.emulator.address, key_pairs)?).await?;
    emulator.warm();
    stations.follow(emulator.recorder());
    let lambda = emulator.address();
    point_at_emulator(&mut model, lambda, &pair);

    let observer = stations.clone();
    let surroundings = Surroundings {
        observer: Some(Arc::new(move |finished| observer.note(finished))),
        ..Surroundings::of_process()
    };
    let (runs, place) = (runs_of(&model), model.emulator.clone());
    let watch = Watch::new(if builtin { &[] } else { &watched });
    let gateway = gateway::start(model, surroundings).await?;
    if builtin {
        sample::say_what_to_try(&gateway.addresses(), lambda);
    }
    let reload = || {
        let loaded = load(options);
        configuration::complain(&loaded.diagnostics);
        let mut model = loaded.model?;
        if runs_of(&model) != runs {
            output::complain("warning: `run` of a function changed; restart to run it as written now");
        }
        if model.emulator != place {
            output::complain("warning: `emulator` changed; restart to have it as written now");
        }
        point_at_emulator(&mut model, lambda, &pair);
        Some((model, ()))
    };
    let served = serve_until_told(&gateway, &mut signals, watch, reload).await;
    gateway::drain(gateway, &mut signals).await;
    emulator.shutdown().await;
    served
}

fn load(options: &Dev) -> Loaded {
    let mut loaded = if options.config.is_empty() {
        configuration::with_problems(sample::load(options.address))
    } else {
        configuration::load(&options.config)
    };
    if let Some(model) = &mut loaded.model {
        bind::apply(&options.bind, model);
    }
    loaded
}

/// Sends every function without an endpoint of its own to the emulator, signed with a pair that it knows.
fn point_at_emulator(model: &mut Model, lambda: SocketAddr, pair: &Pair) {
    let run: BTreeSet<String> = model.functions.values().filter(|f| f.run.is_some()).map(name_of).collect();
    for (key, function) in &mut model.functions {
        if function.endpoint.is_some() {
            continue;
        }
        if !run.contains(&name_of(function)) {
            output::complain(&format!(
                "warning: function `{key}` has no `run`, so it does not exist on this machine"
            ));
        }
        if matches!(function.credentials, Credentials::AssumeRole(_)) {
            output::complain(&format!("warning: function `{key}`: roles are not assumed on one machine"));
        }
        if function.failover.iter().any(|place| place.endpoint.is_none()) {
            output::complain(&format!("warning: function `{key}`: no other region is called on one machine"));
            function.failover.retain(|place| place.endpoint.is_some());
        }
        function.endpoint = Some(format!("http://{lambda}"));
        function.variant = lambridge_model::EndpointVariant::default();
        function.region.get_or_insert_with(|| emulator::REGION.to_owned());
        if !matches!(function.credentials, Credentials::Static { .. }) {
            function.credentials = pair.credentials();
        }
    }
}

/// Pairs that the file itself names; the emulator accepts them too.
fn pairs_of(model: &Model) -> Vec<(String, Secret)> {
    let pair = |function: &lambridge_model::Function| match &function.credentials {
        Credentials::Static { access_key_id, secret_access_key, .. } => {
            Some((access_key_id.clone(), secret_access_key.clone()))
        }
        _ => None,
    };
    model.functions.values().filter_map(pair).collect()
}

fn name_of(function: &lambridge_model::Function) -> String {
    function.name.name().to_owned()
}

fn runs_of(model: &Model) -> Vec<(String, Option<lambridge_model::Run>)> {
    model.functions.iter().map(|(key, function)| (key.clone(), function.run.clone())).collect()
}

/// The key pair of one `dev` process.
struct Pair {
    id: String,
    secret: Secret,
}

impl Pair {
    fn make_up() -> Result<Self, String> {
        let mut random = [0; 28];
        getrandom::fill(&mut random).map_err(|error| format!("no randomness: {error}"))?;
        let hex: String = random.iter().map(|byte| format!("{byte:02X}")).collect();
        let (id, secret) = hex.split_at(16);
        Ok(Self { id: format!("AKIA{id}"), secret: Secret::new(secret) })
    }

    fn credentials(&self) -> Credentials {
        Credentials::Static {
            access_key_id: self.id.clone(),
            secret_access_key: self.secret.clone(),
            session_token: None,
        }
    }
}
