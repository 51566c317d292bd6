//! A policy as the engine holds it: read and checked once, evaluated many times.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::condition::Condition;
use crate::context::Context;
use crate::malformed::Malformed;
use crate::parse;
use crate::pattern::{ArnPattern, Notation, Pattern};
use crate::principal::{PrincipalElement, PrincipalName};
use crate::request::Request;

/// Where a document is to be attached, which decides what it must and must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A managed policy: no Principal, and the newer version of the language.
    Managed,
    /// A policy embedded in a user, group or role.
    Inline,
    /// A policy passed with a request for temporary credentials.
    Session,
    /// A policy of a resource, such as a bucket.
    Resource,
    /// A role's trust policy: a Principal, no Resource, only STS's actions.
    Trust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V2008,
    /// The first with policy variables.
    V2012,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(crate) version: Option<Version>,
    pub(crate) id: Option<String>,
    pub(crate) statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) principal: Option<PrincipalElement>,
    pub(crate) action: ActionElement,
    /// `None` in a trust policy, which is about its own role.
    pub(crate) resource: Option<ResourceElement>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) span: Span,
}

/// Action or NotAction.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionElement {
    pub(crate) negated: bool,
    pub(crate) actions: Vec<ActionPattern>,
}

/// Resource or NotResource.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceElement {
    pub(crate) negated: bool,
    pub(crate) resources: Vec<ArnPattern>,
}

/// A line and a column, both counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: i32,
    pub column: i32,
}

/// Where a statement stood in its document's text, as AWS's simulator counts: from behind the
/// bracket or comma before it (for a lone statement: behind its own brace) to behind its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

impl Document {
    /// # Errors
    /// [`Malformed`], with the sentence AWS prints for this kind of policy.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        parse::document(text, kind)
    }

    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Every name in the statements' Principal and NotPrincipal elements.
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalName> {
        self.statements.iter().filter_map(|s| s.principal.as_ref()).flat_map(|p| p.names())
    }

    /// The same document with each principal's name replaced where `replace` gives another.
    /// IAM keeps unique ids for users and roles, so that a namesake made later is not trusted.
    #[must_use]
    pub fn with_principals(
        mut self,
        replace: impl Fn(&PrincipalName) -> Option<PrincipalName>,
    ) -> Self {
        let principals = self.statements.iter_mut().filter_map(|s| s.principal.as_mut());
        for name in principals.flat_map(|p| &mut p.names) {
            if let Some(other) = replace(name) {
                *name = other;
            }
        }
        self
    }

    /// The condition keys this document looks at, as conditions and as variables without a
    /// default; in order and each once, compared without case.
    pub fn context_keys(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut keys = Vec::new();
        for statement in &self.statements {
            for key in statement.context_keys() {
                if seen.insert(key.to_lowercase()) {
                    keys.push(key.to_owned());
                }
            }
        }
        keys
    }

    /// The document in one normal form: arrays where several values are possible, AWS's order
    /// of elements.
    pub fn to_json(&self) -> String {
        let mut out = Map::new();
        if let Some(version) = self.version {
            let text = match version {
                Version::V2008 => "2008-10-17",
                Version::V2012 => "2012-10-17",
            };
            out.insert("Version".into(), text.into());
        }
        if let Some(id) = &self.id {
            out.insert("Id".into(), id.clone().into());
        }
        let statements = self.statements.iter().map(Statement::to_json).collect();
        out.insert("Statement".into(), Value::Array(statements));
        Value::Object(out).to_string()
    }
}

impl Statement {
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whom the statement is about; `None` in an identity policy, which is about its holder.
    pub fn principal(&self) -> Option<&PrincipalElement> {
        self.principal.as_ref()
    }

    pub fn action(&self) -> &ActionElement {
        &self.action
    }

    /// `None` in a trust policy, which is about its own role.
    pub fn resource(&self) -> Option<&ResourceElement> {
        self.resource.as_ref()
    }

    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    pub fn span(&self) -> Span {
        self.span
    }

    /// Whether Action, Resource and Condition fit the request. Principal is asked apart: what it
    /// says is more than yes or no.
    pub(crate) fn applies(&self, request: &Request<'_>) -> bool {
        self.action.covers(request)
            && self.resource.as_ref().is_none_or(|resource| resource.covers(request))
            && self.conditions.iter().all(|condition| condition.holds(&request.context))
    }

    fn context_keys(&self) -> impl Iterator<Item = &str> {
        let resources = self.resource.iter().flat_map(|r| &r.resources);
        resources.flat_map(ArnPattern::variables).chain(
            self.conditions.iter().flat_map(|c| std::iter::once(c.key()).chain(c.variables())),
        )
    }

    fn to_json(&self) -> Value {
        let mut out = Map::new();
        if let Some(sid) = &self.sid {
            out.insert("Sid".into(), sid.clone().into());
        }
        let effect = if self.effect == Effect::Allow { "Allow" } else { "Deny" };
        out.insert("Effect".into(), effect.into());
        if let Some(principal) = &self.principal {
            out.insert(not(principal.negated, "Principal"), principal.to_json());
        }
        let actions: Vec<&str> = self.action.names().collect();
        out.insert(not(self.action.negated, "Action"), json!(actions));
        if let Some(resource) = &self.resource {
            let resources: Vec<&str> = resource.names().collect();
            out.insert(not(resource.negated, "Resource"), json!(resources));
        }
        if !self.conditions.is_empty() {
            let mut operators = Map::new();
            for condition in &self.conditions {
                let keys = operators.entry(condition.operator()).or_insert_with(|| json!({}));
                keys[condition.key()] = json!(condition.values());
            }
            out.insert("Condition".into(), Value::Object(operators));
        }
        Value::Object(out)
    }
}

fn not(negated: bool, element: &str) -> String {
    if negated { format!("Not{element}") } else { element.into() }
}

impl PrincipalElement {
    fn to_json(&self) -> Value {
        if self.everyone {
            return "*".into();
        }
        let mut kinds = Map::new();
        for name in &self.names {
            let names = kinds.entry(name.kind()).or_insert_with(|| json!([]));
            if let Value::Array(names) = names {
                names.push(name.value().into());
            }
        }
        Value::Object(kinds)
    }
}

impl ActionElement {
    /// Whether it was written NotAction.
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// The actions as written, `service:Operation` with wildcards, or `*`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(ActionPattern::text)
    }

    fn covers(&self, request: &Request<'_>) -> bool {
        self.actions.iter().any(|action| action.matches(request.action_parts())) != self.negated
    }
}

impl ResourceElement {
    /// Whether it was written NotResource.
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// The resources as written: ARNs with wildcards and variables, or `*`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(ArnPattern::text)
    }

    fn covers(&self, request: &Request<'_>) -> bool {
        let fields = request.resource_fields();
        let matched = self.resources.iter().any(|r| r.matches(fields, &request.context));
        matched != self.negated
    }
}

/// `service:Action` with wildcards, compared without case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ActionPattern {
    text: Box<str>,
    /// `None` for a lone `*`.
    parts: Option<(Box<str>, Pattern)>,
}

impl ActionPattern {
    pub(crate) fn parse(text: &str) -> Self {
        let notation = Notation { wildcards: true, variables: false, ignore_case: false };
        let parts = text.split_once(':').map(|(service, action)| {
            let action = action.to_ascii_lowercase();
            (service.to_ascii_lowercase().into(), Pattern::parse(&action, notation))
        });
        Self { text: text.into(), parts }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// `asked` are service and action in lower case.
    pub(crate) fn matches(&self, (asked_service, asked_action): (&str, &str)) -> bool {
        self.parts.as_ref().is_none_or(|(service, action)| {
            (&**service == "*" || **service == *asked_service)
                && action.matches(asked_action, &Context::of_values(&[]))
        })
    }
}
