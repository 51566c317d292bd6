//! The credentials of an instance's role. They are made when they are first asked for and
//! anew before they end, so whoever reads them again in time never holds dead ones.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use aws::{Call, Error, Identity, Principal, Timestamp};

use super::tree::object;
use super::{Facts, ProfileFacts};
use crate::Ec2;
use crate::called::{self, AssumeRoleRequest};

/// AWS says that new ones are there at least five minutes before the old ones end.
const RENEWED_BEFORE: Duration = Duration::from_secs(900);
const SERVICE: &str = "ec2.amazonaws.com";

/// By instance. Lost with the process: the old ones stay good until they end.
#[derive(Default)]
pub(crate) struct Kept(Mutex<HashMap<String, Made>>);

#[derive(Clone)]
struct Made {
    role_arn: String,
    at: Timestamp,
    credentials: called::Credentials,
}

impl Ec2 {
    /// What `iam/security-credentials/ROLE` says.
    ///
    /// # Errors
    /// When the role does not trust EC2 or is gone.
    pub async fn role_credentials(&self, facts: &Facts) -> Result<String, Error> {
        let role =
            facts.profile.as_ref().and_then(|profile: &ProfileFacts| profile.role_arn.clone());
        let role_arn = role.ok_or_else(|| Error::client(404, "NotFound", "there is no role"))?;
        let now = self.inner.clock.now();
        let kept = self.inner.role_credentials.find(&facts.instance_id, &role_arn, now);
        let made = match kept {
            Some(made) => made,
            None => self.make_credentials(facts, role_arn, now).await?,
        };
        Ok(document(&made))
    }

    async fn make_credentials(
        &self,
        facts: &Facts,
        role_arn: String,
        now: Timestamp,
    ) -> Result<Made, Error> {
        let input = AssumeRoleRequest {
            role_arn: role_arn.clone(),
            role_session_name: facts.instance_id.clone(),
            ..Default::default()
        };
        let call = self.own_call(facts.region.clone(), now);
        let answer = self.inner.caller.ask(&call, input).await?;
        let credentials = answer.credentials.ok_or_else(|| Error::internal("no credentials"))?;
        let made = Made { role_arn, at: now, credentials };
        self.inner.role_credentials.keep(&facts.instance_id, made.clone());
        Ok(made)
    }

    /// A call of EC2 itself.
    pub(super) fn own_call(&self, region: aws::Region, at: Timestamp) -> Call {
        let identity = Identity {
            account: None,
            principal: Principal::Service(SERVICE.into()),
            access_key_id: None,
            session: None,
        };
        Call {
            request_id: self.inner.random.uuid(),
            identity,
            region,
            at,
            source_ip: None,
            user_agent: None,
            referer: None,
            host: None,
            signature: None,
            secure_transport: true,
            via: None,
        }
    }
}

impl Kept {
    fn find(&self, instance: &str, role_arn: &str, now: Timestamp) -> Option<Made> {
        let kept = self.0.lock().expect("nothing that holds it panics");
        let made = kept.get(instance).filter(|made| made.role_arn == role_arn)?;
        (now + RENEWED_BEFORE < made.credentials.expiration).then(|| made.clone())
    }

    fn keep(&self, instance: &str, made: Made) {
        let mut kept = self.0.lock().expect("nothing that holds it panics");
        let now = made.at;
        kept.retain(|_, made| now < made.credentials.expiration);
        kept.insert(instance.into(), made);
    }
}

fn document(made: &Made) -> String {
    let credentials = &made.credentials;
    object(&[
        ("Code", "Success".into()),
        ("LastUpdated", made.at.to_iso8601()),
        ("Type", "AWS-HMAC".into()),
        ("AccessKeyId", credentials.access_key_id.clone()),
        ("SecretAccessKey", credentials.secret_access_key.clone()),
        ("Token", credentials.session_token.clone()),
        ("Expiration", credentials.expiration.to_iso8601()),
    ])
}
