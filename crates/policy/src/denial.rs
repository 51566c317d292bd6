//! The sentence with which AWS refuses.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use std::borrow::Cow;

use crate::evaluate::{Layer, Verdict};
use crate::request::Request;

/// `None` when the verdict is no refusal.
pub fn denial(request: &Request<'_>, verdict: Verdict) -> Option<String> {
    let (user, action) = (request.who.name(), request.action());
    let is_s3 = request.action_parts().0 == "s3";
    let on = match named_resource(request) {
        Some(resource) if is_s3 => format!(" on resource: \"{resource}\""),
        Some(resource) => format!(" on resource: {resource}"),
        None => String::new(),
    };
    let why = match verdict {
        Verdict::Allowed => return None,
        // S3 tells strangers nothing at all.
        // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>
        _ if is_s3 && !request.is_same_account() => return Some("Access Denied".into()),
        // STS does not say which side refused: that would tell a stranger about the role.
        _ if request.is_assuming_role() => String::new(),
        Verdict::ExplicitDeny(layer) => {
            let policy = match layer {
                Layer::Identity => "an identity-based policy",
                Layer::Boundary => "a permissions boundary",
                Layer::Session => "a session policy",
                Layer::Resource => "a resource-based policy",
            };
            format!(" with an explicit deny in {policy}")
        }
        Verdict::ImplicitDeny(layer) => {
            let policy = match layer {
                Layer::Identity => "identity-based policy",
                Layer::Boundary => "permissions boundary",
                Layer::Session => "session policy",
                Layer::Resource => "resource-based policy",
            };
            format!(" because no {policy} allows the {action} action")
        }
    };
    Some(format!("User: {user} is not authorized to perform: {action}{on}{why}"))
}

/// The resource as the sentence names it. IAM calls what exists by its kind and name
/// (`user bob`), what is to be made or passed on, and whole lists, by ARN.
fn named_resource<'a>(request: &Request<'a>) -> Option<Cow<'a, str>> {
    let resource = request.resource();
    // What policies write as `*` for the list of all buckets.
    if matches!(resource, "*" | "arn:aws:s3:::*") {
        return None;
    }
    let (service, action) = request.action_parts();
    let Some([_, _, "iam", _, _, path]) = request.resource_fields() else {
        return Some(resource.into());
    };
    let by_arn =
        ["create", "passrole", "listusers", "listroles", "listgroups", "listinstanceprofiles"];
    let is_new = action.starts_with(by_arn[0])
        && !matches!(
            action,
            "createaccesskey" | "createloginprofile" | "createpolicy" | "createpolicyversion"
        );
    if service != "iam" || is_new || by_arn[1..].contains(&action) {
        return Some(resource.into());
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    Some(match path.split('/').next() {
        Some("user") => format!("user {name}").into(),
        Some("group") => format!("group {name}").into(),
        Some("role") => format!("role {name}").into(),
        Some("instance-profile") => format!("instance profile {name}").into(),
        Some("policy") if action == "createpolicy" => format!("policy {name}").into(),
        Some("policy") => format!("policy {resource}").into(),
        _ => resource.into(),
    })
}
