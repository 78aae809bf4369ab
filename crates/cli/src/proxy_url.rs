//! `lambridge proxy url`: where a configuration is served, for `curl $(lambridge proxy url -c …)/`.
//!
//! A listener at every address is printed as `localhost`.

use std::process::ExitCode;

use lambridge_model::Listener;

use crate::args::{ProxyUrl, Scheme};
use crate::{bind, configuration, output};

pub fn run(options: &ProxyUrl) -> ExitCode {
    let Some((mut model, _)) = configuration::load_or_complain(&options.paths.config) else {
        return ExitCode::FAILURE;
    };
    bind::apply(&options.bind, &mut model);
    match model.listeners.iter().find_map(|listener| url(listener, options.port)) {
        Some(url) => {
            output::say(&url);
            ExitCode::SUCCESS
        }
        None => {
            let wanted = if options.port == Scheme::Https { "https" } else { "http" };
            output::complain(&format!("error: no listener speaks {wanted}"));
            ExitCode::FAILURE
        }
    }
}

fn url(listener: &Listener, wanted: Scheme) -> Option<String> {
    let (scheme, name) = match listener.tls {
        None => (Scheme::Http, "http"),
        Some(_) => (Scheme::Https, "https"),
    };
    let address = listener.address;
    let host = match address.ip() {
        ip if ip.is_unspecified() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    };
    (scheme == wanted).then(|| format!("{name}://{host}"))
}

#[cfg(test)]
mod tests {
    use lambridge_model::Listener;

    use super::url;
    use crate::args::Scheme;

    #[test]
    fn urls() {
        for (address, expect) in [
            ("0.0.0.0:8080", "http://localhost:8080"),
            ("[::]:80", "http://localhost:80"),
            ("127.0.0.1:1", "http://127.0.0.1:1"),
            ("[::1]:1", "http://[::1]:1"),
        ] {
            let listener = Listener::new(address.parse().unwrap());
            assert_eq!(url(&listener, Scheme::Http).as_deref(), Some(expect));
            assert_eq!(url(&listener, Scheme::Https), None);
        }
    }
}
