//! How IAM and STS refuse. One variant is one AWS code; what it carries makes AWS's sentence.
//! Codes and statuses: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>

use aws::AccountId;
use policy::Malformed;

use crate::quota::Quota;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    NoSuchEntity(Missing),
    #[error("{0}")]
    EntityAlreadyExists(Taken),
    #[error("{0}")]
    DeleteConflict(InUse),
    #[error("{0}")]
    LimitExceeded(Limit),
    #[error("{0}")]
    MalformedPolicyDocument(String),
    #[error("{0}")]
    InvalidInput(String),
    #[error("{0}")]
    ValidationError(String),
    #[error(
        "Cannot perform the operation on the protected role '{role}' - this role is only modifiable by AWS"
    )]
    UnmodifiableEntity { role: String },
    #[error("Cannot attach a Service Role Policy to a Customer Role.")]
    PolicyNotAttachable,
    #[error("{0}")]
    PasswordPolicyViolation(String),
    #[error(
        "The request was rejected because multiple requests to change this object were submitted simultaneously. Wait a few minutes and submit your request again."
    )]
    ConcurrentModification,
    #[error("{0}")]
    AccessDenied(String),
    /// STS only: temporary credentials where AWS takes none.
    #[error("The security token included in the request is invalid")]
    InvalidClientTokenId,
    /// STS only.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// STS only.
    #[error("Packed size of session tags and policies exceeds the allowed limit: {percent}%.")]
    PackedPolicyTooLarge { percent: usize },
    /// haneul has no such parameter, and it would change the outcome.
    #[error("the parameter {parameter} of {operation} is not served")]
    ParameterNotServed { operation: &'static str, parameter: &'static str },
    #[error("IAM's records cannot be read")]
    Read(#[source] state::records::Error),
    #[error("IAM's records cannot be changed")]
    Commit(#[source] state::CommitError),
    #[error("{0}")]
    Internal(String),
    /// Said in AWS's terms already.
    #[error("{0}")]
    Other(aws::Error),
}

/// What cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    #[error("The user with name {0} cannot be found.")]
    User(String),
    #[error("The group with name {0} cannot be found.")]
    Group(String),
    #[error("The role with name {0} cannot be found.")]
    Role(String),
    #[error("Instance Profile {0} cannot be found.")]
    InstanceProfile(String),
    #[error("Role {role} in Instance Profile {profile} cannot be found.")]
    RoleInProfile { role: String, profile: String },
    #[error("The Access Key with id {0} cannot be found.")]
    AccessKey(String),
    #[error("Login Profile for User {0} cannot be found.")]
    LoginProfile(String),
    /// `holder` is `user`, `group` or `role`.
    #[error("The {holder} policy with name {name} cannot be found.")]
    InlinePolicy { holder: &'static str, name: String },
    #[error("Policy {0} was not found.")]
    Policy(String),
    #[error("Policy {0} does not exist or is not attachable.")]
    Attachable(String),
    #[error("Scope ARN: {0} does not exist or is not attachable.")]
    Boundary(String),
    #[error("Policy {arn} version {version} does not exist or is not attachable.")]
    PolicyVersion { arn: String, version: String },
    #[error("The account alias {0} does not exist.")]
    Alias(String),
    #[error("The Password Policy with domain name {0} cannot be found.")]
    PasswordPolicy(AccountId),
    #[error("The account policy with name PasswordPolicy cannot be found.")]
    PasswordPolicyToDelete,
    #[error("The user with name {0} does not have a permissions boundary.")]
    UserBoundary(String),
    #[error("The role with name {0} does not have a permissions boundary.")]
    RoleBoundary(String),
    #[error("The deletion task with id {0} cannot be found.")]
    DeletionTask(String),
    #[error("The entity {0} cannot be found.")]
    Principal(String),
    #[error("Cannot find Service Linked Role template for {0}")]
    ServiceLinkedRole(String),
}

/// Which name is taken.
#[derive(Debug, thiserror::Error)]
pub enum Taken {
    #[error("User with name {0} already exists.")]
    User(String),
    #[error("Group with name {0} already exists.")]
    Group(String),
    #[error("Role with name {0} already exists.")]
    Role(String),
    #[error("Instance Profile {0} already exists.")]
    InstanceProfile(String),
    #[error("A policy called {0} already exists. Duplicate names are not allowed.")]
    Policy(String),
    #[error("Login Profile for user {0} already exists.")]
    LoginProfile(String),
    #[error("The account alias {0} already exists.")]
    Alias(String),
    /// haneul's own: AWS gives out account ids itself.
    #[error("The account {0} already exists.")]
    Account(AccountId),
}

/// Why something cannot be deleted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InUse {
    #[error("Cannot delete entity, must detach all policies first.")]
    AttachedPolicies,
    #[error("Cannot delete entity, must delete policies first.")]
    InlinePolicies,
    #[error("Cannot delete entity, must remove users from group first.")]
    GroupMembership,
    #[error("Cannot delete entity, must delete access keys first.")]
    AccessKeys,
    #[error("Cannot delete entity, must delete login profile first.")]
    LoginProfile,
    #[error("Cannot delete entity, must remove roles from instance profile first.")]
    InstanceProfile,
    #[error("Cannot delete a policy attached to entities.")]
    PolicyAttached,
    #[error(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."
    )]
    PolicyVersions,
    #[error("Cannot delete the default version of a policy.")]
    DefaultVersion,
}

#[derive(Debug, thiserror::Error)]
pub enum Limit {
    #[error("Cannot exceed quota for {}: {}", .0.name(), .0.max())]
    Quota(Quota),
    #[error(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
    )]
    PolicyVersions,
    #[error("Maximum policy size of {max} bytes exceeded for {holder} {name}")]
    InlinePolicySize { max: usize, holder: &'static str, name: String },
    #[error("The number of tags has reached the maximum limit.")]
    Tags,
    /// More than the state store takes as one record: tags, trust policy and inline policies
    /// at their largest at once, in letters of four bytes.
    #[error("The tags and policies of one entity exceed the size that is kept for it.")]
    EntitySize,
}

impl Error {
    /// `1 validation error detected: Value at 'member' failed to satisfy constraint: …`
    pub fn constraint(member: &str, constraint: &str) -> Self {
        Self::ValidationError(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    pub fn invalid_arn(arn: &str) -> Self {
        Self::ValidationError(format!("ARN {arn} is not valid."))
    }
}

impl From<Malformed> for Error {
    fn from(refusal: Malformed) -> Self {
        Self::MalformedPolicyDocument(refusal.to_string())
    }
}

/// From [`aws::Call::account`], which refuses an unsigned request.
impl From<aws::Error> for Error {
    fn from(error: aws::Error) -> Self {
        Self::Other(error)
    }
}

impl From<state::records::Error> for Error {
    fn from(error: state::records::Error) -> Self {
        Self::Read(error)
    }
}

impl From<state::CommitError> for Error {
    fn from(error: state::CommitError) -> Self {
        match error {
            state::CommitError::Conflict => Self::ConcurrentModification,
            state::CommitError::Refused(state::store::Error::TooLarge(_)) => {
                Self::LimitExceeded(Limit::EntitySize)
            }
            other => Self::Commit(other),
        }
    }
}

impl state::MayConflict for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::ConcurrentModification)
    }
}

impl From<Error> for aws::Error {
    fn from(error: Error) -> Self {
        let (status, code) = match error {
            Error::NoSuchEntity(_) => (404, "NoSuchEntity"),
            Error::EntityAlreadyExists(_) => (409, "EntityAlreadyExists"),
            Error::DeleteConflict(_) => (409, "DeleteConflict"),
            Error::LimitExceeded(_) => (409, "LimitExceeded"),
            Error::MalformedPolicyDocument(_) => (400, "MalformedPolicyDocument"),
            Error::InvalidInput(_) => (400, "InvalidInput"),
            Error::ValidationError(_) => (400, "ValidationError"),
            Error::UnmodifiableEntity { .. } => (400, "UnmodifiableEntity"),
            Error::PolicyNotAttachable => (400, "PolicyNotAttachable"),
            Error::PasswordPolicyViolation(_) => (400, "PasswordPolicyViolation"),
            Error::ConcurrentModification => (409, "ConcurrentModification"),
            Error::AccessDenied(_) => (403, "AccessDenied"),
            Error::InvalidClientTokenId => (403, "InvalidClientTokenId"),
            Error::InvalidParameterValue(_) => (400, "InvalidParameterValue"),
            Error::PackedPolicyTooLarge { .. } => (400, "PackedPolicyTooLarge"),
            Error::ParameterNotServed { operation, parameter } => {
                return Self::parameter_not_served(operation, parameter);
            }
            Error::Other(error) => return error,
            Error::Read(state::records::Error::Store(_))
            | Error::Commit(state::CommitError::Unavailable(_)) => return Self::unavailable(error),
            Error::Read(_) | Error::Commit(_) | Error::Internal(_) => return Self::internal(error),
        };
        Self::client(status, code, error.to_string())
    }
}
