//! A value against the constraints of its schema, in the words of AWS's services.

use crate::schema::{Kind, Member, Schema};
use crate::value::Value;

/// One constraint that a value does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The member's path as AWS prints it: `tags.1.member.key`.
    pub path: String,
    /// The value as AWS prints it; `None` for a secret one.
    pub value: Option<String>,
    pub constraint: Constraint,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    Required,
    LengthMin(i64),
    LengthMax(i64),
    ValueMin(i64),
    ValueMax(i64),
    Pattern(&'static str),
    Values(&'static [&'static str]),
    /// A union must have exactly one member set.
    OneMember,
}

/// More than these are neither collected nor printed: a request can hold thousands of wrong
/// items, and the answer should stay readable.
const VIOLATIONS_MAX: usize = 10;

/// Everything that is wrong with a value, in the order of the model.
pub fn violations(schema: &Schema, value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    check(schema, value, String::new(), &mut found);
    found.truncate(VIOLATIONS_MAX);
    found
}

/// AWS's sentence for at least one violation:
/// `1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: …`.
pub fn sentence(violations: &[Violation]) -> String {
    let plural = if violations.len() == 1 { "" } else { "s" };
    let each: Vec<String> = violations.iter().map(Violation::to_string).collect();
    format!("{} validation error{plural} detected: {}", violations.len(), each.join("; "))
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.constraint, &self.value) {
            (Constraint::Required, _) => f.write_str("Value null ")?,
            (_, Some(value)) => write!(f, "Value '{value}' ")?,
            (_, None) => f.write_str("Value ")?,
        }
        write!(f, "at '{}' failed to satisfy constraint: ", self.path)?;
        match &self.constraint {
            Constraint::Required => f.write_str("Member must not be null"),
            Constraint::LengthMin(min) => {
                write!(f, "Member must have length greater than or equal to {min}")
            }
            Constraint::LengthMax(max) => {
                write!(f, "Member must have length less than or equal to {max}")
            }
            Constraint::ValueMin(min) => {
                write!(f, "Member must have value greater than or equal to {min}")
            }
            Constraint::ValueMax(max) => {
                write!(f, "Member must have value less than or equal to {max}")
            }
            Constraint::Pattern(pattern) => {
                write!(f, "Member must satisfy regular expression pattern: {pattern}")
            }
            Constraint::Values(values) => {
                write!(f, "Member must satisfy enum value set: [{}]", values.join(", "))
            }
            Constraint::OneMember => f.write_str("Member must have exactly one member set"),
        }
    }
}

fn check(schema: &Schema, value: &Value, path: String, found: &mut Vec<Violation>) {
    if found.len() > VIOLATIONS_MAX {
        return;
    }
    match (&schema.kind, value) {
        (Kind::Structure(structure), Value::Structure(members)) => {
            if structure.union && members.len() != 1 {
                found.push(violation(schema, &path, value, Constraint::OneMember));
            }
            for member in structure.members {
                check_member(member, value.get(member.name), &path, found);
            }
        }
        (Kind::List(list), Value::List(items)) => {
            check_size(schema, items.len(), value, &path, found);
            for (i, item) in items.iter().enumerate() {
                check(list.item, item, format!("{path}.{}.member", i + 1), found);
            }
        }
        (Kind::Map(map), Value::Map(entries)) => {
            check_size(schema, entries.len(), value, &path, found);
            for (key, entry) in entries {
                let text = Value::String(key.clone());
                check(map.key, &text, format!("{path}.{key}.key"), found);
                check(map.value, entry, format!("{path}.{key}.member"), found);
            }
        }
        (Kind::String, Value::String(text)) => check_string(schema, text, value, &path, found),
        (Kind::Blob, Value::Blob(bytes)) => {
            check_size(schema, bytes.len(), value, &path, found);
        }
        (_, Value::Integer(number)) => {
            if let Some(min) = schema.min.filter(|min| number < min) {
                found.push(violation(schema, &path, value, Constraint::ValueMin(min)));
            }
            if let Some(max) = schema.max.filter(|max| number > max) {
                found.push(violation(schema, &path, value, Constraint::ValueMax(max)));
            }
        }
        _ => {}
    }
}

fn check_member(member: &Member, value: Option<&Value>, path: &str, found: &mut Vec<Violation>) {
    // Most members of most inputs are absent: nothing is made for them.
    if value.is_none() && !member.required {
        return;
    }
    let name = lower_first(member.name);
    let path = if path.is_empty() { name } else { format!("{path}.{name}") };
    match value {
        Some(value) => check(member.schema, value, path, found),
        None => found.push(Violation { path, value: None, constraint: Constraint::Required }),
    }
}

fn check_string(
    schema: &Schema,
    text: &str,
    value: &Value,
    path: &str,
    found: &mut Vec<Violation>,
) {
    check_size(schema, text.chars().count(), value, path, found);
    if let Some(pattern) = schema.pattern.filter(|pattern| !pattern.matches(text)) {
        found.push(violation(schema, path, value, Constraint::Pattern(pattern.text)));
    }
    if !schema.values.is_empty() && !schema.values.contains(&text) {
        found.push(violation(schema, path, value, Constraint::Values(schema.values)));
    }
}

fn check_size(schema: &Schema, size: usize, value: &Value, path: &str, found: &mut Vec<Violation>) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if let Some(min) = schema.min.filter(|min| size < *min) {
        found.push(violation(schema, path, value, Constraint::LengthMin(min)));
    }
    if let Some(max) = schema.max.filter(|max| size > *max) {
        found.push(violation(schema, path, value, Constraint::LengthMax(max)));
    }
}

fn violation(schema: &Schema, path: &str, value: &Value, constraint: Constraint) -> Violation {
    let value = (!schema.is_sensitive()).then(|| printed(value));
    Violation { path: path.into(), value, constraint }
}

/// A value as AWS's messages show it; only simple values are worth their space.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(printed).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}={}", printed(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.type_name().into(),
    }
}

fn lower_first(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Pattern;

    static NAME: Schema = Schema::string("name").min(1).max(5).pattern({
        static P: Pattern = Pattern::new(r"[\w+=,.@-]+");
        &P
    });
    static STATUS: Schema = Schema::string("status").values(&["Active", "Inactive"]);
    static SECRET: Schema = Schema::string("secret").min(4).sensitive();
    static COUNT: Schema = Schema::integer("count").min(1).max(1000);
    static NAMES: Schema = Schema::list("names", &NAME, "").max(2);
    static REQUEST: Schema = Schema::structure(
        "request",
        &[
            Member::new("UserName", &NAME).required(),
            Member::new("Status", &STATUS),
            Member::new("Password", &SECRET),
            Member::new("MaxItems", &COUNT),
            Member::new("Names", &NAMES),
        ],
    );

    fn check(members: Vec<(&'static str, Value)>, expected: &str) {
        let found = violations(&REQUEST, &Value::Structure(members));
        let text = if found.is_empty() { String::new() } else { sentence(&found) };
        assert_eq!(text, expected);
    }

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn each_constraint_has_aws_s_sentence() {
        let at = |rest: &str| format!("1 validation error detected: {rest}");
        check(vec![("UserName", text("jane"))], "");
        check(
            vec![],
            &at("Value null at 'userName' failed to satisfy constraint: Member must not be null"),
        );
        check(
            vec![("UserName", text("a b"))],
            &at(
                r"Value 'a b' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+",
            ),
        );
        check(
            vec![("UserName", text("jane")), ("Status", text("On"))],
            &at(
                "Value 'On' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]",
            ),
        );
        check(
            vec![("UserName", text("jane")), ("Password", text("abc"))],
            &at(
                "Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 4",
            ),
        );
        check(
            vec![("UserName", text("jane")), ("MaxItems", Value::Integer(1001))],
            &at(
                "Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000",
            ),
        );
    }

    #[test]
    fn several_are_counted_and_joined() {
        check(
            vec![
                ("UserName", text("far too long")),
                ("Names", Value::List(vec![text("a"), text("b"), text("")])),
            ],
            "5 validation errors detected: \
             Value 'far too long' at 'userName' failed to satisfy constraint: Member must have length less than or equal to 5; \
             Value 'far too long' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+; \
             Value '[a, b, ]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 2; \
             Value '' at 'names.3.member' failed to satisfy constraint: Member must have length greater than or equal to 1; \
             Value '' at 'names.3.member' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+",
        );
    }

    #[test]
    fn a_flood_of_wrong_items_is_not_printed() {
        let many = vec![text("not a name"); 100_000];
        let found = violations(
            &REQUEST,
            &Value::Structure(vec![("UserName", text("jane")), ("Names", Value::List(many))]),
        );
        assert_eq!(found.len(), VIOLATIONS_MAX);
    }
}
