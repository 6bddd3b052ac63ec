//! The arguments that are there without an `ARG`: none of them counts for the history or the key of a step, unless the
//! stage declares it.

/// Those about platforms and the target, which stages see once they declare them, and `FROM` always.
pub const PLATFORM_ARGUMENTS: [&str; 9] = [
    "BUILDARCH",
    "BUILDOS",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETSTAGE",
    "TARGETVARIANT",
];

/// Those that `RUN` has in its environment without a declaration, when they are given: they are neither in the history
/// nor in the key of a step, unless they are declared.
pub const PROXY_ARGUMENTS: [&str; 10] = [
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Those that change how the build is done, and that no step has in its environment unless it declares them.
pub const BUILD_ARGUMENTS: [&str; 10] = [
    "BUILDKIT_BUILD_NAME",
    "BUILDKIT_CACHE_MOUNT_NS",
    "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
    "BUILDKIT_DOCKERFILE_CHECK",
    "BUILDKIT_INLINE_CACHE",
    "BUILDKIT_MULTI_PLATFORM",
    "BUILDKIT_SANDBOX_HOSTNAME",
    "BUILDKIT_SBOM_SCAN_CONTEXT",
    "BUILDKIT_SBOM_SCAN_STAGE",
    "BUILDKIT_SYNTAX",
];

/// What a predefined argument is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predefined {
    /// See [`PLATFORM_ARGUMENTS`].
    Platform,
    /// See [`PROXY_ARGUMENTS`].
    Proxy,
    /// See [`BUILD_ARGUMENTS`].
    Build,
    /// `SOURCE_DATE_EPOCH`: the time that files and images get.
    Epoch,
}

impl Predefined {
    /// The kind of argument that `name` is, if it is predefined.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "SOURCE_DATE_EPOCH" => Some(Self::Epoch),
            name if PLATFORM_ARGUMENTS.contains(&name) => Some(Self::Platform),
            name if PROXY_ARGUMENTS.contains(&name) => Some(Self::Proxy),
            name if BUILD_ARGUMENTS.contains(&name) => Some(Self::Build),
            _ => None,
        }
    }
}
