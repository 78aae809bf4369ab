//! The built-in sample of `lambridge dev`: a web app behind the adapter and a plain function, both in this binary.

pub mod app;
pub mod function;

use std::net::SocketAddr;

use lambridge_config::Loaded;
use lambridge_model::Model;
use tokio::net::TcpListener;

use crate::emulator::this_program;
use crate::output;
use crate::stations::Stations;

const CONFIGURATION: &str = include_str!("sample/lambridge.yaml");
const NAME: &str = "built-in sample";

/// The sample's model, listening on `address` when given.
pub fn load(address: Option<SocketAddr>) -> Loaded {
    let this = this_program().unwrap_or_default().to_string_lossy().into_owned();
    let env = |name: &str| (name == "LAMBRIDGE").then(|| this.clone());
    let mut loaded = lambridge_config::load_text(NAME, CONFIGURATION, &env);
    if let (Some(model), Some(address)) = (&mut loaded.model, address) {
        for listener in &mut model.listeners {
            listener.address = address;
        }
    }
    loaded
}

/// Tells the sample's app where to ask about its own requests.
pub fn point_at(model: &mut Model, stations: &Stations) {
    if let Some(run) = model.functions.get_mut("web").and_then(|function| function.run.as_mut()) {
        run.env.insert(app::STATIONS.to_owned(), stations.url());
    }
}

/// A newcomer's usual ports may be taken; the sample moves to free ones instead of ending.
pub async fn take_free_ports(model: &mut Model) {
    let own = model.listeners.iter_mut().map(|listener| &mut listener.address);
    for address in own.chain([&mut model.emulator.address]) {
        if TcpListener::bind(*address).await.is_err() {
            address.set_port(0);
        }
    }
}

/// Prints requests worth sending.
pub fn say_what_to_try(gateway: &[SocketAddr], lambda: SocketAddr) {
    let Some(address) = gateway.first() else { return };
    output::say(&format!(
        "
  open  http://{address}/                        a page that shows your own request at each station
  try   curl http://{address}/json               JSON from a web app behind the adapter
        curl -d name=ada http://{address}/form   a form post
        curl --data-binary @FILE http://{address}/echo -o COPY   bytes there and back
        curl -i http://{address}/cookies         two Set-Cookie, repeated headers
        curl -iL http://{address}/redirect       a redirect
        curl http://{address}/hello/ada          a plain function, without a web server
        curl -i http://{address}/fail            a function error: 502, and why

  the emulator takes AWS SDKs, given the endpoint http://{lambda} and any credentials
  next  write a lambridge.yaml and run `lambridge dev -c lambridge.yaml`
"
    ));
}
