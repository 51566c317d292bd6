//! Why a policy document is refused, in the sentences of IAM and STS.
//!
//! A service with other words for the same refusal (S3) matches the variants and words them.

/// The user guide documents the grammar but not the sentences; these are the ones that the
/// service prints. Identity policies are checked by the older of AWS's two validators, trust
/// and resource policies by the newer one, so one mistake can have two sentences.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("Syntax errors in policy.")]
    Syntax,
    #[error("This policy contains invalid Json")]
    InvalidJson,
    #[error("JSON strings must not have leading spaces")]
    LeadingSpace,
    #[error("Policy document must be version 2012-10-17 or greater.")]
    OldVersion,
    #[error("The policy failed legacy parsing")]
    LegacyParsing,
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    DuplicateSid,
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
         expression [0-9A-Za-z]*"
    )]
    InvalidSid,
    #[error("Policy document should not specify a principal.")]
    UnexpectedPrincipal,
    #[error("Policy statement must contain actions.")]
    NoActions,
    #[error("Policy statement must contain resources.")]
    NoResources,
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    ActionWithoutVendor,
    #[error("Actions/Condition can contain only one colon.")]
    ActionWithColons,
    #[error("Vendor {0} is not valid")]
    InvalidVendor(String),
    #[error("Resource {0} must be in ARN format or \"*\".")]
    ResourceNotArn(String),
    #[error("Partition \"{partition}\" is not valid for resource \"{resource}\".")]
    InvalidPartition { partition: String, resource: String },
    #[error("Resource vendor must be fully qualified and cannot contain regexes.")]
    InvalidResourceVendor,
    #[error("IAM resource {0} cannot contain region information.")]
    IamResourceWithRegion(String),
    #[error("Resource {0} can not contain region information.")]
    S3ResourceWithRegion(String),
    #[error(
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, \
         group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, \
         saml-provider/, oidc-provider/, report/, access-report/."
    )]
    InvalidIamPath,
    #[error("Missing required field {0}")]
    MissingField(&'static str),
    #[error("Has prohibited field {0}")]
    ProhibitedField(&'static str),
    #[error("Unknown field {0}")]
    UnknownField(String),
    #[error("Invalid principal in policy: \"{kind}\":\"{value}\"")]
    InvalidPrincipal { kind: String, value: String },
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    NotAssumeRole,
}
