//! How one service uses another: through its AWS operations, in this process.

use std::sync::{Arc, OnceLock, Weak};

use crate::value::{FromValue, IntoValue};
use crate::{Authorizer, Call, Decision, Error, Identity, Service, validate};

/// The input of an operation of another service, made by `codegen` in the crate that calls.
pub trait Ask: IntoValue + Send {
    /// The service's signing name.
    const SERVICE: &'static str;
    const OPERATION: &'static str;
    type Answer: FromValue;
}

/// The services of a region, for each other. An input goes the way it would from outside:
/// validated, authorized for whoever the call names, then served. It crosses as a
/// [`crate::Value`], so neither crate knows the other's types.
pub struct Caller {
    /// Weak: services hold the caller, and must end when the region does.
    services: OnceLock<Vec<Weak<dyn Service>>>,
    authorizer: Arc<dyn Authorizer>,
}

impl Caller {
    /// A caller that knows no service yet: services are made with it, and [`Self::join`] it.
    pub fn new(authorizer: Arc<dyn Authorizer>) -> Self {
        Self { services: OnceLock::new(), authorizer }
    }

    /// Makes the region's services known to each other, once. Later ones are ignored.
    pub fn join(&self, services: &[Arc<dyn Service>]) {
        let _ = self.services.set(services.iter().map(Arc::downgrade).collect());
    }

    /// Asks a service. `call` says who asks: [`Call::forwarded`] for the user whose request is
    /// being answered, [`Call::under`] for a service's own role.
    ///
    /// # Errors
    /// The operation's own; `AccessDenied` with the engine's sentence; `ValidationError`; and
    /// `InternalFailure` when the region has no such service or operation.
    pub async fn ask<A: Ask>(&self, call: &Call, input: A) -> Result<A::Answer, Error> {
        let service = self.service(A::SERVICE)?;
        let operation = service
            .model()
            .operation(A::OPERATION)
            .ok_or_else(|| Error::internal(format!("{} has no {}", A::SERVICE, A::OPERATION)))?;
        let value = input.into_value().unwrap_or(crate::Value::Structure(Vec::new()));
        let violations = validate::violations(operation.input, &value);
        if !violations.is_empty() {
            return Err(Error::validation(validate::sentence(&violations)));
        }
        let input = (operation.parse)(value).map_err(Error::internal)?;
        for check in service.checks(call, &input).await? {
            if let Decision::Denied { message } = self.authorizer.authorize(call, &check).await? {
                return Err(Error::access_denied(message));
            }
        }
        let answer = service.serve(call, input).await?;
        A::Answer::from_value(answer).map_err(Error::internal)
    }

    fn service(&self, name: &str) -> Result<Arc<dyn Service>, Error> {
        let known = self.services.get().map(Vec::as_slice).unwrap_or_default();
        known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|service| service.model().signing_name == name)
            .ok_or_else(|| Error::internal(format!("the region has no service {name}")))
    }
}

impl Call {
    /// This call, forwarded by a service (`ec2.amazonaws.com`) for the same user. The address
    /// it came from is not forwarded: AWS's services call from their own.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html>
    #[must_use]
    pub fn forwarded(&self, via: &'static str) -> Self {
        Self { via: Some(via), source_ip: None, ..self.clone() }
    }

    /// A service's own call under another identity, its role's.
    #[must_use]
    pub fn under(&self, identity: Identity) -> Self {
        Self {
            identity,
            via: None,
            source_ip: None,
            user_agent: None,
            referer: None,
            signature: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
