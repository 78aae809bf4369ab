//! The two architectures of Lambda, each under the names that its neighbours give it.

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arch {
    /// `x86_64`, to OCI `amd64`.
    X86_64,
    /// `arm64`, to Rust `aarch64`.
    Arm64,
}

impl Arch {
    /// By AWS's name, or Rust's.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "x86_64" | "amd64" => Ok(Self::X86_64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err(format!("`{text}` is no architecture of Lambda: x86_64 or arm64")),
        }
    }

    /// That of this machine.
    pub fn host() -> Result<Self, String> {
        Self::parse(std::env::consts::ARCH)
    }

    /// AWS's name.
    pub fn aws(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// OCI's name. Source: `GOARCH`, which `image-index.md` refers to.
    pub fn oci(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Rust's name of the system.
    pub fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}
