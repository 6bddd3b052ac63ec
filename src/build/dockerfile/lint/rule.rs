//! The rules.

/// A rule of the lint, as docker names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Keywords are all upper case or all lower case.
    ConsistentInstructionCasing,
    /// What is copied is not left out of the context.
    CopyIgnoredFile,
    /// No two stages have one name.
    DuplicateStageName,
    /// `EXPOSE` has no address and no port of the machine.
    ExposeInvalidFormat,
    /// The protocol of `EXPOSE` is lower case.
    ExposeProtoCasing,
    /// `AS` is written as `FROM` is.
    FromAsCasing,
    /// `FROM --platform` is no constant.
    FromPlatformFlagConstDisallowed,
    /// `FROM` names an image without arguments from outside too.
    InvalidDefaultArgInFrom,
    /// A comment above a stage or an argument describes it.
    InvalidDefinitionDescription,
    /// `CMD` and `ENTRYPOINT` are lists.
    JSONArgsRecommended,
    /// `ENV` and `LABEL` are written with `=`.
    LegacyKeyValueFormat,
    /// `MAINTAINER` is a label.
    MaintainerDeprecated,
    /// What only the last one counts of stands once.
    MultipleInstructionsDisallowed,
    /// A continued line has something on it.
    NoEmptyContinuation,
    /// `FROM --platform=$TARGETPLATFORM` says what is so anyway.
    RedundantTargetPlatform,
    /// No stage is called `scratch` or `context`.
    ReservedStageName,
    /// Secrets are not in `ARG` and `ENV`.
    SecretsUsedInArgOrEnv,
    /// Names of stages are lower case.
    StageNameCasing,
    /// Arguments in `FROM` are declared.
    UndefinedArgInFrom,
    /// Variables are defined before they are used.
    UndefinedVar,
    /// The first `WORKDIR` is absolute.
    WorkdirRelativePath,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 21] = [
        Self::ConsistentInstructionCasing,
        Self::CopyIgnoredFile,
        Self::DuplicateStageName,
        Self::ExposeInvalidFormat,
        Self::ExposeProtoCasing,
        Self::FromAsCasing,
        Self::FromPlatformFlagConstDisallowed,
        Self::InvalidDefaultArgInFrom,
        Self::InvalidDefinitionDescription,
        Self::JSONArgsRecommended,
        Self::LegacyKeyValueFormat,
        Self::MaintainerDeprecated,
        Self::MultipleInstructionsDisallowed,
        Self::NoEmptyContinuation,
        Self::RedundantTargetPlatform,
        Self::ReservedStageName,
        Self::SecretsUsedInArgOrEnv,
        Self::StageNameCasing,
        Self::UndefinedArgInFrom,
        Self::UndefinedVar,
        Self::WorkdirRelativePath,
    ];

    /// Its name, by which it is left out.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConsistentInstructionCasing => "ConsistentInstructionCasing",
            Self::CopyIgnoredFile => "CopyIgnoredFile",
            Self::DuplicateStageName => "DuplicateStageName",
            Self::ExposeInvalidFormat => "ExposeInvalidFormat",
            Self::ExposeProtoCasing => "ExposeProtoCasing",
            Self::FromAsCasing => "FromAsCasing",
            Self::FromPlatformFlagConstDisallowed => "FromPlatformFlagConstDisallowed",
            Self::InvalidDefaultArgInFrom => "InvalidDefaultArgInFrom",
            Self::InvalidDefinitionDescription => "InvalidDefinitionDescription",
            Self::JSONArgsRecommended => "JSONArgsRecommended",
            Self::LegacyKeyValueFormat => "LegacyKeyValueFormat",
            Self::MaintainerDeprecated => "MaintainerDeprecated",
            Self::MultipleInstructionsDisallowed => "MultipleInstructionsDisallowed",
            Self::NoEmptyContinuation => "NoEmptyContinuation",
            Self::RedundantTargetPlatform => "RedundantTargetPlatform",
            Self::ReservedStageName => "ReservedStageName",
            Self::SecretsUsedInArgOrEnv => "SecretsUsedInArgOrEnv",
            Self::StageNameCasing => "StageNameCasing",
            Self::UndefinedArgInFrom => "UndefinedArgInFrom",
            Self::UndefinedVar => "UndefinedVar",
            Self::WorkdirRelativePath => "WorkdirRelativePath",
        }
    }

    /// Whether it is looked at only where `experimental=` names it.
    #[must_use]
    pub fn is_experimental(self) -> bool {
        self == Self::InvalidDefinitionDescription
    }
}
