//! Whether a well-formed policy fits the resource that it is to be attached to.
//!
//! [`Document::parse`] has already seen to it that each statement of a resource's policy names
//! a principal, actions and resources. What is left needs to know the service: which resources
//! the policy may speak of, and which actions are asked about each of them.

use crate::document::{ActionPattern, Document, Statement};
use crate::pattern::ArnPattern;

/// A kind of resource that the policy may speak of.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its name, with wildcards where it is one of many: `arn:aws:s3:::b`, `arn:aws:s3:::b/*`.
    pub arn: &'a str,
    /// The actions that are asked about it, `service:Operation`.
    pub actions: &'a [&'a str],
}

/// What does not fit, as the document spells it. The sentences are the service's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It stands for no action of any target.
    Action(String),
    /// It can be the name of no target.
    Resource(String),
    /// None of the targets that the statement names is asked about this action.
    ActionWithoutResource(String),
}

/// Looks for the first thing that does not fit, statement by statement. A wildcard fits when
/// it could stand for something that does; NotAction fits always.
///
/// # Errors
/// The [`Misfit`].
pub fn check(document: &Document, targets: &[Target<'_>]) -> Result<(), Misfit> {
    let targets: Vec<Known> = targets.iter().map(Known::new).collect();
    document.statements().iter().try_for_each(|statement| check_statement(statement, &targets))
}

struct Known {
    arn: ArnPattern,
    /// Service and action, in lower case.
    actions: Vec<(String, String)>,
}

impl Known {
    fn new(target: &Target<'_>) -> Self {
        let split = |action: &&str| {
            let (service, action) = action.split_once(':').unwrap_or(("", action));
            (service.to_ascii_lowercase(), action.to_ascii_lowercase())
        };
        Self {
            arn: ArnPattern::parse(target.arn, false),
            actions: target.actions.iter().map(split).collect(),
        }
    }

    fn has(&self, action: &ActionPattern) -> bool {
        self.actions.iter().any(|(service, name)| action.matches((service, name)))
    }
}

fn check_statement(statement: &Statement, targets: &[Known]) -> Result<(), Misfit> {
    let actions = if statement.action.negated { &[][..] } else { &statement.action.actions };
    for action in actions {
        if !targets.iter().any(|target| target.has(action)) {
            return Err(Misfit::Action(action.text().into()));
        }
    }
    let Some(element) = &statement.resource else { return Ok(()) };
    for resource in &element.resources {
        if !targets.iter().any(|target| target.arn.overlaps(resource)) {
            return Err(Misfit::Resource(resource.text().into()));
        }
    }
    // What NotResource leaves is not looked into.
    let is_named = |target: &&Known| {
        element.negated || element.resources.iter().any(|name| target.arn.overlaps(name))
    };
    let named: Vec<&Known> = targets.iter().filter(is_named).collect();
    for action in actions {
        if !named.iter().any(|target| target.has(action)) {
            return Err(Misfit::ActionWithoutResource(action.text().into()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn bucket_policies() {
        const TARGETS: [Target<'_>; 2] = [
            Target { arn: "arn:aws:s3:::b", actions: &["s3:ListBucket", "s3:GetBucketPolicy"] },
            Target { arn: "arn:aws:s3:::b/*", actions: &["s3:GetObject", "s3:PutObject"] },
        ];
        let check = |action: &str, resource: &str, expected: Result<(), Misfit>| {
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":"*",{action},{resource}}}}}"#
            );
            let document = Document::parse(&text, Kind::Resource).expect("a resource's policy");
            assert_eq!(super::check(&document, &TARGETS), expected, "{text}");
        };
        let ok = |action: &str, resource: &str| check(action, resource, Ok(()));
        let bucket = r#""Resource":"arn:aws:s3:::b""#;
        let objects = r#""Resource":"arn:aws:s3:::b/*""#;
        let both = r#""Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]"#;
        ok(r#""Action":"s3:ListBucket""#, bucket);
        ok(r#""Action":"s3:getobject""#, objects);
        ok(r#""Action":"s3:GetObject""#, r#""Resource":"arn:aws:s3:::b/home/${aws:username}/*""#);
        ok(r#""Action":["s3:ListBucket","s3:PutObject"]"#, both);
        ok(r#""Action":"s3:Get*""#, bucket);
        ok(r#""Action":"*""#, r#""Resource":"*""#);
        ok(r#""Action":["s3:ListBucket","s3:PutObject"]"#, r#""Resource":"arn:aws:s3:::b*""#);
        ok(r#""NotAction":"s3:None""#, objects);
        ok(r#""Action":"s3:ListBucket""#, r#""NotResource":"arn:aws:s3:::b/x""#);

        let misfit = |action: &str| Misfit::ActionWithoutResource(action.into());
        check(r#""Action":"s3:ListBucket""#, objects, Err(misfit("s3:ListBucket")));
        check(r#""Action":["s3:Get*","s3:Put*"]"#, bucket, Err(misfit("s3:Put*")));
        let unknown = |action: &str| Misfit::Action(action.into());
        check(r#""Action":"s3:GetObjects""#, objects, Err(unknown("s3:GetObjects")));
        check(r#""Action":["s3:*","iam:*"]"#, both, Err(unknown("iam:*")));
        let foreign = |name: &str| Misfit::Resource(name.into());
        check(
            r#""Action":"s3:*""#,
            r#""Resource":["arn:aws:s3:::b/*","arn:aws:s3:::c/*"]"#,
            Err(foreign("arn:aws:s3:::c/*")),
        );
        check(
            r#""Action":"s3:*""#,
            r#""NotResource":"arn:aws:s3:::bb""#,
            Err(foreign("arn:aws:s3:::bb")),
        );
    }
}
