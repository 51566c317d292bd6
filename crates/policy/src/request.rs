//! One question to the engine: may this caller do this to that?

use aws::AccountId;

use crate::context::Context;
use crate::pattern::arn_fields;
use crate::principal::Requester;

#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub(crate) who: Requester<'a>,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    /// `None` when it is the caller's own account.
    pub(crate) resource_account: Option<&'a AccountId>,
    pub(crate) context: Context<'a>,
    /// Service and action in lower case, without the colon between them.
    lower: String,
    service_len: usize,
    fields: Option<[&'a str; 6]>,
}

impl<'a> Request<'a> {
    /// `action` is `service:Operation`; `resource` an ARN, or `*` for an action without one.
    pub fn new(
        who: Requester<'a>,
        action: &'a str,
        resource: &'a str,
        context: Context<'a>,
    ) -> Self {
        let (service, operation) = action.split_once(':').unwrap_or((action, ""));
        let mut lower = String::with_capacity(action.len());
        lower.push_str(service);
        lower.push_str(operation);
        lower.make_ascii_lowercase();
        Self {
            who,
            action,
            resource,
            resource_account: context.resource_account,
            context,
            lower,
            service_len: service.len(),
            fields: arn_fields(resource),
        }
    }

    pub fn action(&self) -> &'a str {
        self.action
    }

    pub fn resource(&self) -> &'a str {
        self.resource
    }

    pub(crate) fn action_parts(&self) -> (&str, &str) {
        self.lower.split_at(self.service_len)
    }

    pub(crate) fn resource_fields(&self) -> Option<&[&'a str; 6]> {
        self.fields.as_ref()
    }

    /// Whether the resource is a role's trust: STS's actions that a trust policy can allow.
    pub(crate) fn is_assuming_role(&self) -> bool {
        let (service, action) = self.action_parts();
        let assuming = ["assumerole", "tagsession", "setsourceidentity"];
        service == "sts" && assuming.iter().any(|prefix| action.starts_with(prefix))
    }

    /// Whether the caller and the resource belong to one account.
    pub(crate) fn is_same_account(&self) -> bool {
        match (self.who.account(), self.resource_account) {
            (Some(own), Some(owner)) => own == owner,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}
