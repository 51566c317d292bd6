//! What must be allowed before each operation of STS.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>

use aws::{Call, Check, Principal};

use crate::error::{Error, Result};
use crate::sts::assume_role::RoleArn;
use crate::sts::model::{AssumeRoleRequest, Input};
use crate::sts::{Sts, session_tag};

/// A trust policy that trusts nobody, for a role that is not there.
const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}]}"#;

impl Sts {
    /// The authorization table. GetCallerIdentity and GetSessionToken need no permission, and
    /// no policy can take them away.
    pub(super) async fn table(&self, call: &Call, input: &Input) -> Result<Vec<Check>> {
        match input {
            Input::AssumeRole(input) => self.assume_role_checks(call, input).await,
            Input::GetAccessKeyInfo(_) => {
                refuse_user_session(call)?;
                Ok(vec![Check::new("sts:GetAccessKeyInfo", "*")])
            }
            Input::GetCallerIdentity(_) | Input::GetSessionToken(_) => Ok(Vec::new()),
        }
    }

    async fn assume_role_checks(
        &self,
        call: &Call,
        input: &AssumeRoleRequest,
    ) -> Result<Vec<Check>> {
        let owner = RoleArn::parse(&input.role_arn)?.account;
        let role = self.role(&input.role_arn).await?.map(|(_, role)| role.record);
        let session = call.identity.session.as_ref();
        let combined = session_tag::combine(
            input.tags.as_deref(),
            input.transitive_tag_keys.as_deref(),
            session,
        )?;
        let mut actions = vec!["sts:AssumeRole"];
        if !combined.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        let inherited = session.and_then(|session| session.source_identity.clone());
        let source_identity = input.source_identity.clone().or(inherited);
        if source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        let mut base = Check::new("", input.role_arn.clone());
        base.resource_account = Some(owner);
        base.resource_policies = vec![match &role {
            Some(role) => role.trust.judged()?.into(),
            None => NOBODY.into(),
        }];
        for (key, value) in role.iter().flat_map(|role| role.tags.iter()) {
            base = base
                .with(format!("aws:ResourceTag/{key}"), vec![value.into()])
                .with(format!("iam:ResourceTag/{key}"), vec![value.into()]);
        }
        for (key, value) in &combined.tags {
            base = base.with(format!("aws:RequestTag/{key}"), vec![value.clone()]);
        }
        let keys = combined.tags.into_iter().map(|(key, _)| key).collect();
        let given = [
            ("aws:TagKeys", keys),
            ("sts:TransitiveTagKeys", combined.transitive_keys),
            ("sts:ExternalId", input.external_id.iter().cloned().collect()),
            ("sts:RoleSessionName", vec![input.role_session_name.clone()]),
            ("sts:SourceIdentity", source_identity.into_iter().collect()),
        ];
        for (key, values) in given {
            if !values.is_empty() {
                base = base.with(key, values);
            }
        }
        let with_action = |action: &str| Check { action: action.into(), ..base.clone() };
        Ok(actions.into_iter().map(with_action).collect())
    }
}

/// GetSessionToken's credentials without MFA may call only AssumeRole and GetCallerIdentity
/// here, and nothing in IAM.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html>
pub(crate) fn refuse_user_session(call: &Call) -> Result<()> {
    let of_user = matches!(call.identity.principal, Principal::Root | Principal::User { .. });
    match &call.identity.session {
        Some(session) if of_user && !session.mfa => Err(Error::InvalidClientTokenId),
        _ => Ok(()),
    }
}
