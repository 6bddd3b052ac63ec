//! What each kind of mistake is called, for `allow`, editors and search engines: a name never changes.

use super::{Diagnostic, DiagnosticKind, Severity};

/// How long a message may be.
const MOST_CHARACTERS: usize = 600;

impl DiagnosticKind {
    /// Its name, in kebab case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "broken-yaml",
            Self::Empty => "empty-file",
            Self::DuplicateKey(_) => "duplicate-key",
            Self::KeyNotString(_) => "key-not-string",
            Self::KeyNotScalar => "key-not-scalar",
            Self::MergeKey => "invalid-merge-key",
            Self::AliasCycle => "alias-cycle",
            Self::TooLarge => "too-large",
            Self::UnknownTag(_) => "unknown-tag",
            Self::Interpolation(_) => "invalid-interpolation",
            Self::RequiredVariable { .. } => "required-variable",
            Self::UnsetVariable(_) => "unset-variable",
            Self::EnvFile(_) => "invalid-env-file",
            Self::UnknownKey { .. } => "unknown-key",
            Self::NotSupported(_) => "not-supported",
            Self::WrongType { .. } => "wrong-type",
            Self::DuplicateItem { .. } => "duplicate-item",
            Self::OldBoolean { .. } => "old-boolean",
            Self::IgnoredOption { .. } => "ignored-option",
            Self::NoShell(_) => "command-operator",
            Self::Deprecated(..) => "deprecated-form",
            Self::InvalidValue { .. } => "invalid-value",
            Self::CannotOverride { .. } => "cannot-override",
            Self::Conflict(_) => "conflict",
            Self::Missing(_) => "missing",
            Self::Undefined { .. } => "undefined-reference",
            Self::DisabledDependency { .. } => "disabled-dependency",
            Self::ExtendsCycle(_) => "extends-cycle",
            Self::IncludeCycle(_) => "include-cycle",
            Self::TooManyFiles(_) => "too-many-files",
            Self::Unreadable(_) => "unreadable-file",
            Self::Cycle(_) => "dependency-cycle",
            Self::IgnoredFiles(_) => "ignored-files",
            Self::ObsoleteVersion => "obsolete-version",
            Self::VanishingDollar(_) => "vanishing-dollar",
            Self::YamlBoolean(_) => "yaml-boolean",
            Self::NumberChanged { .. } => "number-changed",
            Self::PortAsNumber(_) => "port-as-number",
            Self::DuplicateMount(_) => "duplicate-mount",
            Self::DuplicatePort { .. } => "duplicate-port",
            Self::DuplicateVariable(_) => "duplicate-variable",
            Self::SecretInEnvironment(_) => "secret-in-environment",
            Self::UnpinnedImage(_) => "unpinned-image",
            Self::OpenPort { .. } => "open-port",
            Self::UnknownLint(_) => "unknown-lint",
            Self::UnknownProfile(_) => "unknown-profile",
            Self::NoEffect { .. } => "no-effect",
            Self::OnThisMachine { .. } => "on-this-machine",
        }
    }
}

impl Diagnostic {
    /// The name of its kind.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// What is wrong, on one line that is not endless, whatever is in the file.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = String::new();
        let text = self.kind.to_string();
        for c in text.chars().take(MOST_CHARACTERS) {
            match c {
                '\n' => message.push_str("\\n"),
                c if c.is_control() => message.push(char::REPLACEMENT_CHARACTER),
                c => message.push(c),
            }
        }
        if text.chars().nth(MOST_CHARACTERS).is_some() {
            message.push('…');
        }
        message
    }

    /// Whether the project can be loaded all the same.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }
}
