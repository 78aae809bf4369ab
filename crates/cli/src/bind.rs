//! `--bind PORT=ADDRESS`: a configuration as it stands, on other addresses.
//!
//! Files of other systems often leave their ports to defaults, so a second gateway on the same machine, or a test,
//! has nothing to edit. Every address of the configuration with that port moves: listeners and the routes that name
//! them, admin, emulator, function URLs.

use std::net::SocketAddr;
use std::str::FromStr;

use lambridge_model::Model;

/// One `PORT=ADDRESS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind {
    port: u16,
    address: SocketAddr,
}

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, address) = text.split_once('=').ok_or("write PORT=ADDRESS, as 8080=127.0.0.1:18080")?;
        Ok(Self {
            port: port.parse().map_err(|_| format!("`{port}` is not a port"))?,
            address: address
                .parse()
                .map_err(|_| format!("`{address}` is not an address and a port, as 127.0.0.1:18080"))?,
        })
    }
}

/// Moves every address of `model` that `binds` name.
pub fn apply(binds: &[Bind], model: &mut Model) {
    let moved = |address: &mut SocketAddr| {
        if let Some(bind) = binds.iter().find(|bind| bind.port == address.port()) {
            *address = bind.address;
        }
    };
    model.listeners.iter_mut().for_each(|listener| moved(&mut listener.address));
    model.routes.iter_mut().flat_map(|route| &mut route.listeners).for_each(moved);
    model.admin.iter_mut().for_each(|admin| moved(&mut admin.address));
    moved(&mut model.emulator.address);
    let runs = model.functions.values_mut().filter_map(|function| function.run.as_mut());
    runs.filter_map(|run| run.url.as_mut()).for_each(|url| moved(&mut url.address));
}

#[cfg(test)]
mod tests {
    use lambridge_model::Model;

    use super::{Bind, apply};

    #[test]
    fn every_address_with_the_port_moves() {
        let text = "lambridge: 1
listeners: [{ address: 0.0.0.0:8080 }, { address: 127.0.0.1:8443 }]
admin: { address: 127.0.0.1:8081 }
functions: { f: { run: { web: x, url: { address: 127.0.0.1:3001 } } } }
routes: [{ match: { path_prefix: / }, function: f, listeners: [0.0.0.0:8080] }]
";
        let mut model: Model = lambridge_config::load_text("test", text, &|_| None).model.unwrap();
        let binds = ["8080=127.0.0.1:0", "8081=127.0.0.1:1", "9000=127.0.0.1:2", "3001=127.0.0.1:3"];
        apply(&binds.map(|text| text.parse::<Bind>().unwrap()), &mut model);
        let shown: Vec<String> =
            model.listeners.iter().map(|listener| listener.address.to_string()).collect();
        assert_eq!(shown, ["127.0.0.1:0", "127.0.0.1:8443"]);
        assert_eq!(model.routes[0].listeners[0].to_string(), "127.0.0.1:0");
        assert_eq!(model.admin.unwrap().address.to_string(), "127.0.0.1:1");
        assert_eq!(model.emulator.address.to_string(), "127.0.0.1:2");
        let url = model.functions["f"].run.as_ref().unwrap().url.as_ref().unwrap();
        assert_eq!(url.address.to_string(), "127.0.0.1:3");
    }

    #[test]
    fn what_is_no_bind() {
        for text in ["", "8080", "x=127.0.0.1:1", "8080=localhost:1", "99999=127.0.0.1:1"] {
            assert!(text.parse::<Bind>().is_err(), "{text}");
        }
    }
}
