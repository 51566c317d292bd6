//! A role's credentials for whom the role trusts.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use aws::{AccountId, Arn, Call, Principal};
use policy::{Document, Kind};
use state::Stored;

use crate::error::{Error, Result};
use crate::policy_holder::scope;
use crate::role::Role;
use crate::secret::Secret;
use crate::sts::session::{Holder, SealedSession};
use crate::sts::session_tag;
use crate::sts::session_token::{refuse_mfa, seconds};
use crate::sts::{Sts, model};
use crate::{id, name};

const DURATION_SECS_DEFAULT: i32 = 3600;
/// Of a session that another role's session asked for.
const CHAINED_DURATION_SECS_MAX: i32 = 3600;
/// Letters of the inline session policy and the managed ones' ARNs together.
const POLICY_LETTERS_MAX: usize = 2048;
const POLICY_ARNS_MAX: usize = 10;

/// A role's ARN, taken apart.
pub(super) struct RoleArn {
    pub account: AccountId,
    pub name: String,
}

impl RoleArn {
    /// # Errors
    /// `ValidationError` for what is no role's ARN.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let invalid = || Error::ValidationError(format!("{text} is invalid"));
        let arn: Arn = text.parse().map_err(|_| invalid())?;
        let name = arn.resource.strip_prefix("role/").and_then(|path| path.rsplit('/').next());
        match (arn.service.as_str(), name, arn.account.parse()) {
            ("iam", Some(name), Ok(account)) if !name.is_empty() && arn.region.is_empty() => {
                Ok(Self { account, name: name.into() })
            }
            _ => Err(invalid()),
        }
    }
}

impl Sts {
    /// The role of exactly this ARN.
    pub(super) async fn role(&self, text: &str) -> Result<Option<(AccountId, Stored<Role>)>> {
        let arn = RoleArn::parse(text)?;
        let found: Option<Stored<Role>> =
            self.iam.records.get(&scope(&arn.account), &name::key(&arn.name)).await?;
        Ok(found
            .filter(|role| role.record.arn(&arn.account) == text)
            .map(|role| (arn.account, role)))
    }
}

/// Whoever calls this has asked the authorizer: the role trusts the caller.
pub async fn assume(
    sts: &Sts,
    call: &Call,
    input: model::AssumeRoleRequest,
) -> Result<model::AssumeRoleResponse> {
    refuse_mfa("AssumeRole", input.serial_number.is_some(), input.token_code.is_some())?;
    if input.provided_contexts.is_some() {
        let (operation, parameter) = ("AssumeRole", "ProvidedContexts");
        return Err(Error::ParameterNotServed { operation, parameter });
    }
    if call.identity.principal == Principal::Root {
        return Err(Error::AccessDenied("Roles may not be assumed by root accounts.".into()));
    }
    let (account, role) =
        sts.role(&input.role_arn).await?.ok_or_else(|| denied(call, &input.role_arn))?;
    let role = role.record;
    let secs = duration_secs(call, &role, input.duration_seconds)?;
    let policy_arns = policy_arns(sts, &account, &input).await?;
    let tags = session_tag::combine(
        input.tags.as_deref(),
        input.transitive_tag_keys.as_deref(),
        call.identity.session.as_ref(),
    )?;
    let session = SealedSession {
        secret_access_key: Secret::new(id::secret(&sts.iam.random)),
        holder: Holder::Role {
            id: role.id.clone(),
            name: role.name.clone(),
            session_name: input.role_session_name.clone(),
        },
        issued_at: call.at.to_whole_secs(),
        expires_at: call.at.to_whole_secs() + seconds(secs),
        policy: input.policy,
        policy_arns,
        tags: tags.tags,
        transitive_tag_keys: tags.transitive_keys,
        source_identity: source_identity(call, &input.role_arn, input.source_identity)?,
        account,
    };
    answer(sts, &role, &input.role_session_name, &session)
}

fn answer(
    sts: &Sts,
    role: &Role,
    session_name: &str,
    session: &SealedSession,
) -> Result<model::AssumeRoleResponse> {
    let percent = session.packed_percent();
    if percent > 100 {
        return Err(Error::PackedPolicyTooLarge { percent });
    }
    let arn = format!("assumed-role/{}/{session_name}", role.name);
    Ok(model::AssumeRoleResponse {
        credentials: Some(sts.seal.credentials(&sts.iam.random, session)?),
        assumed_role_user: Some(model::AssumedRoleUser {
            assumed_role_id: format!("{}:{session_name}", role.id),
            arn: Arn::new("sts", "", session.account.as_str(), arn).to_string(),
        }),
        packed_policy_size: (percent > 0).then(|| i32::try_from(percent).unwrap_or(i32::MAX)),
        source_identity: session.source_identity.clone(),
    })
}

fn duration_secs(call: &Call, role: &Role, asked: Option<i32>) -> Result<i32> {
    let secs = asked.unwrap_or(DURATION_SECS_DEFAULT);
    let chained = matches!(call.identity.principal, Principal::AssumedRole { .. });
    if chained && secs > CHAINED_DURATION_SECS_MAX {
        return Err(Error::ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining".into(),
        ));
    }
    if secs > role.max_session_secs {
        return Err(Error::ValidationError(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
                .into(),
        ));
    }
    Ok(secs)
}

/// Checks the session policies and gives the managed ones' ARNs.
async fn policy_arns(
    sts: &Sts,
    account: &AccountId,
    input: &model::AssumeRoleRequest,
) -> Result<Vec<String>> {
    if let Some(policy) = &input.policy {
        Document::parse(policy, Kind::Session)?;
    }
    let given = input.policy_arns.iter().flatten().filter_map(|policy| policy.arn.clone());
    let mut arns: Vec<String> = given.collect();
    arns.sort();
    arns.dedup();
    if arns.len() > POLICY_ARNS_MAX {
        return Err(Error::constraint(
            "policyArns",
            "Member must have length less than or equal to 10",
        ));
    }
    let letters: usize = arns.iter().chain(&input.policy).map(|text| text.chars().count()).sum();
    if letters > POLICY_LETTERS_MAX {
        return Err(Error::constraint(
            "policy",
            "Member must have length less than or equal to 2048",
        ));
    }
    for arn in &arns {
        if sts.iam.find_policy(account, arn).await?.is_none() {
            let message = format!("Policy {arn} does not exist or is not attachable.");
            return Err(Error::InvalidParameterValue(message));
        }
    }
    Ok(arns)
}

/// Once set, a source identity stays through a chain of roles and cannot be replaced.
fn source_identity(call: &Call, role: &str, given: Option<String>) -> Result<Option<String>> {
    let inherited = call.identity.session.as_ref().and_then(|s| s.source_identity.clone());
    match (inherited, given) {
        (Some(old), Some(new)) if old != new => Err(refused(call, "sts:SetSourceIdentity", role)),
        (Some(old), _) => Ok(Some(old)),
        (None, given) => Ok(given),
    }
}

/// Also for a role that is not there: a stranger learns nothing.
fn denied(call: &Call, role: &str) -> Error {
    refused(call, "sts:AssumeRole", role)
}

fn refused(call: &Call, action: &str, role: &str) -> Error {
    let caller = call.identity.arn().unwrap_or_default();
    Error::AccessDenied(format!(
        "User: {caller} is not authorized to perform: {action} on resource: {role}"
    ))
}
