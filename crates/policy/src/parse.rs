//! From JSON to a [`Document`], refusing in AWS's order and words.

use crate::condition::{Condition, Operator};
use crate::document::{
    ActionElement, ActionPattern, Document, Effect, Kind, Position, ResourceElement, Span,
    Statement, Version,
};
use crate::json::{self, Node, Value};
use crate::malformed::Malformed;
use crate::pattern::ArnPattern;
use crate::principal::{PrincipalElement, PrincipalName};
use crate::validate;

type Entries = [(String, Value)];

/// A statement whose parts have the right JSON types, and not yet the right content.
pub(crate) struct Draft<'a> {
    pub(crate) sid: Option<&'a str>,
    pub(crate) effect: Option<&'a str>,
    pub(crate) principal: Option<DraftPrincipal<'a>>,
    pub(crate) action: Option<DraftList>,
    pub(crate) resource: Option<DraftList>,
    pub(crate) conditions: Vec<DraftCondition<'a>>,
    start: usize,
    end: usize,
}

/// Action or Resource; `negated` when it was written with Not.
pub(crate) struct DraftList {
    pub(crate) negated: bool,
    pub(crate) texts: Vec<String>,
}

pub(crate) struct DraftPrincipal<'a> {
    pub(crate) negated: bool,
    /// Names by their kind: `AWS`, `Service`, [`EVERYONE`].
    pub(crate) kinds: Vec<(&'a str, Vec<String>)>,
}

pub(crate) struct DraftCondition<'a> {
    pub(crate) operator: Operator,
    pub(crate) key: &'a str,
    pub(crate) values: Vec<String>,
}

/// The kind under which `"Principal": "*"` is kept until names are read.
pub(crate) const EVERYONE: &str = "*";

pub(crate) fn document(text: &str, kind: Kind) -> Result<Document, Malformed> {
    if text.starts_with([' ', '\t', '\r', '\n']) && kind != Kind::Resource {
        return Err(Malformed::LeadingSpace);
    }
    let not_json =
        if validate::is_identity(kind) { Malformed::Syntax } else { Malformed::InvalidJson };
    let root = json::read(text).map_err(|_| not_json.clone())?;
    let Node::Object(entries) = &root.node else { return Err(not_json) };

    let shape = Shape { text, kind };
    shape.check_fields(entries, &["Version", "Id", "Statement"])?;
    let version = shape.version(entries)?;
    let id = shape.string(entries, "Id")?;
    let drafts = shape.statements(entries)?;
    validate::drafts(&drafts, version, kind)?;

    let variables = version == Some(Version::V2012);
    let lines = Lines::of(text);
    let statements = drafts.into_iter().map(|draft| draft.finish(variables, &lines));
    Ok(Document {
        version,
        id: id.map(str::to_owned),
        statements: statements.collect::<Result<_, _>>()?,
    })
}

/// Reading JSON shapes: what has the wrong type is a syntax error.
struct Shape<'t> {
    text: &'t str,
    kind: Kind,
}

impl Shape<'_> {
    fn check_fields(&self, entries: &Entries, known: &[&str]) -> Result<(), Malformed> {
        match entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(_) if validate::is_identity(self.kind) => Err(Malformed::Syntax),
            Some((key, _)) => Err(Malformed::UnknownField(key.clone())),
        }
    }

    fn version(&self, entries: &Entries) -> Result<Option<Version>, Malformed> {
        match self.string(entries, "Version")? {
            None => Ok(None),
            Some("2008-10-17") => Ok(Some(Version::V2008)),
            Some("2012-10-17") => Ok(Some(Version::V2012)),
            Some(_) => Err(Malformed::Syntax),
        }
    }

    fn string<'a>(&self, entries: &'a Entries, key: &str) -> Result<Option<&'a str>, Malformed> {
        match field(entries, key).map(|value| &value.node) {
            None => Ok(None),
            Some(Node::String(text)) => Ok(Some(text)),
            Some(_) => Err(Malformed::Syntax),
        }
    }

    fn statements<'a>(&self, entries: &'a Entries) -> Result<Vec<Draft<'a>>, Malformed> {
        let Some(value) = field(entries, "Statement") else {
            return Err(self.missing("Statement"));
        };
        match &value.node {
            Node::Object(_) => Ok(vec![self.statement(value, value.start + 1)?]),
            Node::Array(items) if !items.is_empty() => {
                // From the bracket or comma on; that is where AWS begins to count.
                let starts = items.iter().map(|item| self.text[..item.start].trim_end().len());
                items.iter().zip(starts).map(|(i, start)| self.statement(i, start)).collect()
            }
            _ => Err(Malformed::Syntax),
        }
    }

    fn statement<'a>(&self, value: &'a Value, start: usize) -> Result<Draft<'a>, Malformed> {
        const FIELDS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        let Node::Object(entries) = &value.node else { return Err(Malformed::Syntax) };
        self.check_fields(entries, &FIELDS)?;
        let effect = self.string(entries, "Effect")?;
        if effect.is_none() {
            return Err(self.missing("Effect"));
        }
        if effect.is_some_and(|e| !["allow", "deny"].contains(&e.to_ascii_lowercase().as_str())) {
            return Err(Malformed::Syntax);
        }
        Ok(Draft {
            sid: self.string(entries, "Sid")?,
            effect,
            principal: self.principal(entries)?,
            action: either(entries, "Action", "NotAction")?,
            resource: either(entries, "Resource", "NotResource")?,
            conditions: conditions(entries)?,
            start,
            end: value.end,
        })
    }

    fn principal<'a>(&self, entries: &'a Entries) -> Result<Option<DraftPrincipal<'a>>, Malformed> {
        let (negated, value) = match (field(entries, "Principal"), field(entries, "NotPrincipal")) {
            (None, None) => return Ok(None),
            (Some(value), None) => (false, value),
            (None, Some(value)) => (true, value),
            (Some(_), Some(_)) => return Err(Malformed::Syntax),
        };
        let kinds = match &value.node {
            Node::String(text) if text == "*" => vec![(EVERYONE, vec![text.clone()])],
            Node::Object(kinds) if !kinds.is_empty() => kinds
                .iter()
                .map(|(kind, names)| Ok((kind.as_str(), strings(names)?)))
                .collect::<Result<_, Malformed>>()?,
            _ => return Err(Malformed::Syntax),
        };
        Ok(Some(DraftPrincipal { negated, kinds }))
    }

    fn missing(&self, element: &'static str) -> Malformed {
        if validate::is_identity(self.kind) {
            Malformed::Syntax
        } else {
            Malformed::MissingField(element)
        }
    }
}

fn field<'a>(entries: &'a Entries, key: &str) -> Option<&'a Value> {
    entries.iter().find(|(own, _)| own == key).map(|(_, value)| value)
}

/// One of two elements that exclude each other.
fn either(entries: &Entries, plain: &str, negated: &str) -> Result<Option<DraftList>, Malformed> {
    match (field(entries, plain), field(entries, negated)) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some(DraftList { negated: false, texts: strings(value)? })),
        (None, Some(value)) => Ok(Some(DraftList { negated: true, texts: strings(value)? })),
        (Some(_), Some(_)) => Err(Malformed::Syntax),
    }
}

/// A text or an array of them.
fn strings(value: &Value) -> Result<Vec<String>, Malformed> {
    let one = |value: &Value| match &value.node {
        Node::String(text) => Ok(text.clone()),
        _ => Err(Malformed::Syntax),
    };
    match &value.node {
        Node::Array(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(value)?]),
    }
}

fn conditions(entries: &Entries) -> Result<Vec<DraftCondition<'_>>, Malformed> {
    let operators = match field(entries, "Condition").map(|value| &value.node) {
        None => return Ok(Vec::new()),
        Some(Node::Object(operators)) => operators,
        Some(_) => return Err(Malformed::Syntax),
    };
    let mut out = Vec::new();
    for (name, keys) in operators {
        let Node::Object(keys) = &keys.node else { return Err(Malformed::Syntax) };
        let operator = Operator::parse(name);
        for (key, values) in keys {
            // An unknown operator is overlooked while it has nothing to compare.
            let operator = operator.ok_or(Malformed::Syntax)?;
            out.push(DraftCondition { operator, key, values: condition_values(values)? });
        }
    }
    Ok(out)
}

/// Numbers and booleans need no quotation marks here.
fn condition_values(value: &Value) -> Result<Vec<String>, Malformed> {
    let one = |value: &Value| match &value.node {
        Node::String(text) | Node::Number(text) => Ok(text.clone()),
        Node::Bool(flag) => Ok(flag.to_string()),
        Node::Null | Node::Array(_) | Node::Object(_) => Err(Malformed::Syntax),
    };
    match &value.node {
        Node::Array(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(value)?]),
    }
}

impl Draft<'_> {
    /// The statement of a draft that [`validate::drafts`] has passed.
    fn finish(self, variables: bool, lines: &Lines<'_>) -> Result<Statement, Malformed> {
        let action = self.action.ok_or(Malformed::NoActions)?;
        let resource = self.resource.map(|DraftList { negated, texts }| ResourceElement {
            negated,
            resources: texts.iter().map(|text| ArnPattern::parse(text, variables)).collect(),
        });
        let conditions = self.conditions.into_iter();
        Ok(Statement {
            sid: self.sid.map(str::to_owned),
            effect: if self.effect == Some("Deny") { Effect::Deny } else { Effect::Allow },
            principal: self.principal.map(principal).transpose()?,
            action: ActionElement {
                negated: action.negated,
                actions: action.texts.iter().map(|text| ActionPattern::parse(text)).collect(),
            },
            resource,
            conditions: conditions
                .map(|c| Condition::new(c.operator, c.key, c.values, variables))
                .collect(),
            span: Span { start: lines.position(self.start), end: lines.position(self.end) },
        })
    }
}

fn principal(draft: DraftPrincipal<'_>) -> Result<PrincipalElement, Malformed> {
    let negated = draft.negated;
    let mut element = PrincipalElement { negated, everyone: false, names: Vec::new() };
    for (kind, names) in draft.kinds {
        if kind == EVERYONE {
            element.everyone = true;
            continue;
        }
        for value in names {
            let name = PrincipalName::parse(kind, &value).ok_or_else(|| {
                Malformed::InvalidPrincipal { kind: kind.to_ascii_uppercase(), value }
            })?;
            element.names.push(name);
        }
    }
    Ok(element)
}

/// From byte offsets to lines and columns.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn position(&self, at: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= at);
        let letters = self.text[self.starts[line - 1]..at].chars().count();
        let number = |n: usize| i32::try_from(n).expect("a document is shorter than 2 GiB");
        Position { line: number(line), column: number(letters + 1) }
    }
}
