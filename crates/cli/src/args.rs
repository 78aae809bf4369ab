//! What can be typed. No meaning lives here, only names, defaults and help texts.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::bind::Bind;

/// HTTP in front of AWS Lambda, web applications behind it, and both on one machine.
#[derive(Debug, Parser)]
#[command(
    name = "lambridge",
    version,
    after_help = "Begin with `lambridge dev`, which needs no file. A file of your own is checked by `lambridge check -c FILE`.",
    max_term_width = 100
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve HTTP and invoke Lambda functions. Reloads on change and on SIGHUP, drains on SIGTERM
    Gateway(Serve),
    /// Gateway and emulator in one process; without a file, a built-in sample
    Dev(Dev),
    /// Lambda on this machine: the Invoke API, functions as child processes
    Emulator(Serve),
    /// Run a web application on Lambda: the same as `lambda-adapter`, told by the environment what to do
    Adapter,
    /// Say everything that is wrong with a configuration; exits 0 if there is no error
    Check(Check),
    /// Print a configuration of any dialect as a native one, which then behaves the same
    Convert(Convert),
    /// Say which route answers a request, and why not the others
    Explain(Explain),
    /// Print the JSON Schema of the native configuration, for editors
    Schema,
    /// Print what a shell needs to complete these commands
    Completions {
        /// Which shell; bash reads them by `source <(lambridge completions bash)`
        shell: clap_complete::Shell,
    },
    /// Print a Kubernetes object: a Secret with AWS credentials, an Upstream of Gloo Edge
    Create {
        #[command(subcommand)]
        what: Create,
    },
    /// List the Upstreams of a configuration, with the functions that Lambda has for them
    Get {
        #[command(subcommand)]
        what: Get,
    },
    /// Print where a configuration is served
    Proxy {
        #[command(subcommand)]
        what: Proxy,
    },
    /// Start a child that ends with its parent
    #[command(hide = true)]
    ExecChild {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// Kill what children have started once the emulator was killed
    #[command(hide = true)]
    GuardChildren,
    /// The web application of the built-in sample
    #[command(hide = true)]
    SampleApp,
    /// The plain function of the built-in sample
    #[command(hide = true)]
    SampleFunction,
}

#[derive(Debug, clap::Args)]
pub struct Paths {
    /// A file of any dialect, or a folder with every document below it; may be given several times
    #[arg(short = 'c', long = "config", value_name = "PATH", required = true, num_args = 1..)]
    pub config: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    pub paths: Paths,
    /// Listen at ADDRESS wherever the configuration says PORT: listeners, admin, emulator; may be given several times
    #[arg(long, value_name = "PORT=ADDRESS")]
    pub bind: Vec<Bind>,
}

#[derive(Debug, clap::Args)]
pub struct Dev {
    /// Listen at ADDRESS wherever the configuration says PORT: listeners, admin, emulator; may be given several times
    #[arg(long, value_name = "PORT=ADDRESS")]
    pub bind: Vec<Bind>,
    /// A file of any dialect, or a folder with every document below it; may be given several times
    #[arg(short = 'c', long = "config", value_name = "PATH", num_args = 1..)]
    pub config: Vec<PathBuf>,
    /// Where the gateway of the built-in sample listens
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    pub address: Option<SocketAddr>,
}

#[derive(Debug, clap::Args)]
pub struct Check {
    #[command(flatten)]
    pub paths: Paths,
    /// How diagnostics are printed: as text, or as JSON for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Ask AWS too: who each of the credentials is, and whether Lambda can be reached; no function is called
    #[arg(long)]
    pub aws: bool,
}

#[derive(Debug, clap::Args)]
pub struct Convert {
    #[command(flatten)]
    pub paths: Paths,
    /// Where the document goes; standard output when absent
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Folder for secrets, a file each; `secrets` beside the document when absent
    #[arg(long, value_name = "FOLDER", conflicts_with = "show_secrets")]
    pub secrets: Option<PathBuf>,
    /// Write secrets into the document itself
    #[arg(long)]
    pub show_secrets: bool,
}

#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A file of any dialect, or a folder with every document below it; may be given several times
    // One value each time: the method and the URL that follow are no paths.
    #[arg(short = 'c', long = "config", value_name = "PATH", required = true)]
    pub config: Vec<PathBuf>,
    /// The request's method, as GET
    pub method: String,
    /// The request's URL, or only its path and query
    pub url: String,
    /// A header of the request; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// How the explanation is printed: as text, or as JSON for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Create {
    /// A Secret
    Secret {
        #[command(subcommand)]
        what: CreateSecret,
    },
    /// An Upstream of Gloo Edge
    Upstream {
        #[command(subcommand)]
        what: CreateUpstream,
    },
}

#[derive(Debug, Subcommand)]
pub enum CreateUpstream {
    /// Lambda functions of one region
    Aws(CreateAwsUpstream),
}

#[derive(Debug, clap::Args)]
pub struct CreateAwsUpstream {
    /// Name of the upstream
    #[arg(long)]
    pub name: String,
    /// Namespace of the upstream
    #[arg(short, long, default_value = "gloo-system")]
    pub namespace: String,
    /// Region of the functions
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub aws_region: String,
    /// Name of the Secret with the credentials
    #[arg(long, value_name = "NAME")]
    pub aws_secret_name: String,
    /// Namespace of that Secret
    #[arg(long, value_name = "NAMESPACE", default_value = "gloo-system")]
    pub aws_secret_namespace: String,
    /// Print the manifest and change nothing, which is all this command does so far
    #[arg(long)]
    pub dry_run: bool,
    /// How the manifest is written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Manifest::Yaml)]
    pub output: Manifest,
}

#[derive(Debug, Subcommand)]
pub enum Get {
    /// Upstreams of Gloo Edge, with the functions that Lambda lists for them
    Upstream(GetUpstream),
}

#[derive(Debug, clap::Args)]
pub struct GetUpstream {
    /// Name of the upstream; all of the namespace without one
    pub name: Option<String>,
    /// Namespace of the upstreams
    #[arg(short, long, default_value = "gloo-system")]
    pub namespace: String,
    #[command(flatten)]
    pub paths: Paths,
    /// Where Lambda is asked, instead of AWS or the environment's AWS_ENDPOINT_URL_LAMBDA
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// How they are written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Listing::Table)]
    pub output: Listing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Listing {
    Table,
    Yaml,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Proxy {
    /// Print the URL of a listener
    Url(ProxyUrl),
}

#[derive(Debug, clap::Args)]
pub struct ProxyUrl {
    #[command(flatten)]
    pub paths: Paths,
    /// Name of the proxy, as Gloo Edge has several: all are this one
    #[arg(long, default_value = "gateway-proxy")]
    pub name: String,
    /// Which listener: the first that speaks this
    #[arg(long, value_enum, default_value_t = Scheme::Http)]
    pub port: Scheme,
    /// The address instead of PORT, as it was given to `gateway` or `dev`; may be given several times
    #[arg(long, value_name = "PORT=ADDRESS")]
    pub bind: Vec<Bind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scheme {
    Http,
    Https,
}

#[derive(Debug, Subcommand)]
pub enum CreateSecret {
    /// AWS credentials, with the keys of kgateway and of Gloo Edge
    Aws(CreateAwsSecret),
}

// An unset variable leaves an option without a value, so the keys' options may have none.
#[derive(clap::Args)]
pub struct CreateAwsSecret {
    /// Name of the Secret
    #[arg(long)]
    pub name: String,
    /// Namespace of the Secret
    #[arg(short, long, default_value = "gloo-system")]
    pub namespace: String,
    /// Access key id; without it and `--secret-key`, the keys of AWS_PROFILE in ~/.aws/credentials
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = "")]
    pub access_key: Option<String>,
    /// Secret access key
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = "")]
    pub secret_key: Option<String>,
    /// Token of temporary credentials; absent when empty
    #[arg(long, value_name = "TOKEN", num_args = 0..=1, default_missing_value = "")]
    pub session_token: Option<String>,
    /// Print the manifest and change nothing, which is all this command does so far
    #[arg(long)]
    pub dry_run: bool,
    /// How the manifest is written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Manifest::Yaml)]
    pub output: Manifest,
}

impl std::fmt::Debug for CreateAwsSecret {
    /// Without the keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateAwsSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Manifest {
    Yaml,
    Json,
}
