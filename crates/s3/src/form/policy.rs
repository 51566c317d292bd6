//! What the maker of a form allows: an end, and conditions on every field.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

use aws::{Error, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Fields;

#[derive(Clone, Debug, PartialEq)]
pub struct PostPolicy {
    pub expiration: Timestamp,
    conditions: Vec<Condition>,
    pub sizes: Sizes,
}

/// How many bytes the file may have, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub min: u64,
    pub max: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Condition {
    kind: Kind,
    /// As written, with its dollar sign.
    element: String,
    value: String,
    /// As S3 prints it.
    shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Equal,
    StartsWith,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { min: 0, max: u64::MAX }
    }
}

impl Sizes {
    /// Judges a file that has so many bytes so far.
    ///
    /// # Errors
    /// `EntityTooLarge`.
    pub fn check_max(self, bytes: u64) -> Result<(), Error> {
        if bytes <= self.max {
            return Ok(());
        }
        let why = "Your proposed upload exceeds the maximum allowed size";
        Err(Error::client(400, "EntityTooLarge", why)
            .with_detail("ProposedSize", bytes.to_string())
            .with_detail("MaxSizeAllowed", self.max.to_string()))
    }

    /// Judges a whole file.
    ///
    /// # Errors
    /// `EntityTooSmall`.
    pub fn check_min(self, bytes: u64) -> Result<(), Error> {
        if bytes >= self.min {
            return Ok(());
        }
        let why = "Your proposed upload is smaller than the minimum allowed size";
        Err(Error::client(400, "EntityTooSmall", why)
            .with_detail("ProposedSize", bytes.to_string())
            .with_detail("MinSizeAllowed", self.min.to_string()))
    }
}

impl PostPolicy {
    /// Reads a policy as the form's field has it: JSON in Base64.
    ///
    /// # Errors
    /// `InvalidPolicyDocument`.
    pub fn parse(field: &str) -> Result<Self, Error> {
        let packed: String = field.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let text = STANDARD.decode(packed).map_err(|_| invalid("invalid Base64 encoding."))?;
        let Ok(Value::Object(policy)) = serde_json::from_slice(&text) else {
            return Err(invalid("Invalid JSON."));
        };
        if let Some(other) =
            policy.keys().find(|key| !["expiration", "conditions"].contains(&key.as_str()))
        {
            return Err(invalid(&format!("Unexpected: '{}'", other.to_lowercase())));
        }
        let Some(expiration) = policy.get("expiration") else {
            return Err(invalid("Policy missing expiration."));
        };
        let parsed = expiration.as_str().filter(|text| text.ends_with('Z'));
        let Some(expiration) = parsed.and_then(Timestamp::parse_iso8601) else {
            let given = expiration.as_str().unwrap_or_default();
            return Err(invalid(&format!("Invalid 'expiration' value: '{given}'")));
        };
        let conditions = match policy.get("conditions") {
            None => return Err(invalid("Policy missing conditions.")),
            Some(Value::Array(conditions)) => conditions,
            Some(_) => return Err(invalid("Invalid 'conditions' value: must be a List.")),
        };
        let mut policy = Self { expiration, conditions: Vec::new(), sizes: Sizes::default() };
        for condition in conditions {
            policy.add(condition)?;
        }
        Ok(policy)
    }

    fn add(&mut self, condition: &Value) -> Result<(), Error> {
        match condition {
            Value::Object(simple) => {
                let mut members = simple.iter();
                let (Some((name, value)), None) = (members.next(), members.next()) else {
                    return Err(invalid(
                        "Invalid Simple-Condition: Simple-Conditions must have exactly one \
                         property specified.",
                    ));
                };
                let Value::String(value) = value else {
                    return Err(invalid("Invalid Simple-Condition: value must be a string."));
                };
                let element = format!("${name}");
                self.conditions.push(Condition::new(Kind::Equal, "eq", &element, value));
                Ok(())
            }
            Value::Array(items) => self.add_list(items),
            _ => Err(invalid("Invalid Condition: must be a List or Object.")),
        }
    }

    fn add_list(&mut self, items: &[Value]) -> Result<(), Error> {
        let Some(operation) = items.first().and_then(Value::as_str) else {
            return Err(invalid("Invalid Condition: missing operation identifier."));
        };
        let [_, first, second] = items else {
            let why = format!("Invalid {operation}: wrong number of arguments.");
            return Err(invalid(&why));
        };
        let kind = match operation.to_ascii_lowercase().as_str() {
            "eq" => Kind::Equal,
            "starts-with" => Kind::StartsWith,
            "content-length-range" => {
                self.sizes = sizes(first, second, items)?;
                return Ok(());
            }
            _ => {
                let why = format!("Invalid Condition: unknown operation '{operation}'.");
                return Err(invalid(&why));
            }
        };
        let (Some(element), Some(value)) = (first.as_str(), second.as_str()) else {
            return Err(invalid("Invalid JSON."));
        };
        self.conditions.push(Condition::new(kind, operation, element, value));
        Ok(())
    }

    /// Whether a form meets the policy at this time. `fields` have the bucket among them, and
    /// the key with its file's name filled in.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub fn check(&self, fields: &Fields, sent: &Fields, now: Timestamp) -> Result<(), Error> {
        if now >= self.expiration {
            return Err(denied("Policy expired."));
        }
        if let Some(failed) = self.conditions.iter().find(|condition| !condition.holds(fields)) {
            return Err(denied(&format!("Policy Condition failed: {}", failed.shown)));
        }
        let extra: Vec<&str> = sent
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !is_free(name) && !self.names(name))
            .collect();
        if extra.is_empty() {
            return Ok(());
        }
        Err(denied(&format!("Extra input fields: {}", extra.join(", "))))
    }

    fn names(&self, field: &str) -> bool {
        self.conditions.iter().any(|condition| condition.field().eq_ignore_ascii_case(field))
    }
}

impl Condition {
    fn new(kind: Kind, operation: &str, element: &str, value: &str) -> Self {
        let quoted = |text: &str| json!(text).to_string();
        let shown = format!("[{}, {}, {}]", quoted(operation), quoted(element), quoted(value));
        Self { kind, element: element.into(), value: value.into(), shown }
    }

    fn field(&self) -> &str {
        self.element.strip_prefix('$').unwrap_or(&self.element)
    }

    fn holds(&self, fields: &Fields) -> bool {
        let Some(name) = self.element.strip_prefix('$') else { return false };
        let Some(given) = fields.get(name) else { return false };
        match self.kind {
            Kind::Equal => given == self.value,
            // A form may offer several types.
            Kind::StartsWith if name.eq_ignore_ascii_case("content-type") => {
                given.split(',').all(|given| given.trim().starts_with(&self.value))
            }
            Kind::StartsWith => given.starts_with(&self.value),
        }
    }
}

/// Fields that need no condition.
fn is_free(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_signature = ["", "policy", "x-amz-signature", "signature", "awsaccesskeyid", "file"];
    of_signature.contains(&name.as_str()) || name.starts_with("x-ignore-")
}

fn sizes(min: &Value, max: &Value, items: &[Value]) -> Result<Sizes, Error> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    if [min, max].iter().any(|value| value.is_f64() || value.is_i64() && value.as_u64().is_none()) {
        return Err(invalid("Invalid JSON."));
    }
    match (number(min), number(max)) {
        (Some(min), Some(max)) => Ok(Sizes { min, max }),
        _ => {
            let shown: Vec<String> = items.iter().map(Value::to_string).collect();
            Err(denied(&format!("Policy Condition failed: [{}]", shown.join(", "))))
        }
    }
}

fn invalid(why: &str) -> Error {
    Error::client(400, "InvalidPolicyDocument", format!("Invalid Policy: {why}"))
}

fn denied(why: &str) -> Error {
    Error::access_denied(format!("Invalid according to Policy: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(policy: &str) -> String {
        STANDARD.encode(policy)
    }

    fn with(conditions: &str) -> PostPolicy {
        let text =
            format!(r#"{{"expiration": "2027-01-01T00:00:00Z", "conditions": {conditions}}}"#);
        PostPolicy::parse(&packed(&text)).expect(conditions)
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.push(name, value));
        fields
    }

    const NOW: i64 = 1_795_000_000;

    #[test]
    fn every_field_needs_a_condition_that_holds() {
        let check = |conditions: &str, given: &[(&str, &str)], expected: Result<(), &str>| {
            let given = fields(given);
            let got = with(conditions).check(&given, &given, Timestamp::from_secs(NOW));
            let got = got.map_err(|error| {
                assert_eq!((error.status, error.code.as_ref()), (403, "AccessDenied"));
                error.message.replace("Invalid according to Policy: ", "")
            });
            assert_eq!(got.as_ref().map(|_| ()).map_err(String::as_str), expected, "{conditions}");
        };
        check(r#"[{"key": "a"}]"#, &[("Key", "a"), ("policy", "p"), ("x-ignore-b", "")], Ok(()));
        check(
            r#"[{"key": "a\"b"}]"#,
            &[("key", "b")],
            Err(r#"Policy Condition failed: ["eq", "$key", "a\"b"]"#),
        );
        check(r#"[["starts-with", "$kEy", "u/"]]"#, &[("key", "u/1")], Ok(()));
        check(
            r#"[["starts-with", "$key", "u/"]]"#,
            &[("key", "U/1")],
            Err(r#"Policy Condition failed: ["starts-with", "$key", "u/"]"#),
        );
        check(
            r#"[["starts-with", "$key", ""]]"#,
            &[],
            Err(r#"Policy Condition failed: ["starts-with", "$key", ""]"#),
        );
        check(
            r#"[["eq", "key", "a"]]"#,
            &[("key", "a")],
            Err(r#"Policy Condition failed: ["eq", "key", "a"]"#),
        );
        check(
            r#"[{"key": "a"}]"#,
            &[("key", "a"), ("acl", "x"), ("B", "")],
            Err("Extra input fields: acl, B"),
        );
        check(
            r#"[["starts-with", "$Content-Type", "image/"]]"#,
            &[("content-type", "image/a, image/b")],
            Ok(()),
        );
    }

    #[test]
    fn a_policy_ends() {
        let policy = with("[]");
        let none = Fields::default();
        let at = |millis| policy.check(&none, &none, Timestamp::from_millis(millis));
        let end = policy.expiration.as_millis();
        assert!(at(end - 1).is_ok());
        assert_eq!(
            at(end).expect_err("over").message,
            "Invalid according to Policy: Policy expired."
        );
    }

    #[test]
    fn sizes_are_inclusive_and_may_be_text() {
        for range in ["5, 10", "\"5\", \"10\""] {
            let sizes = with(&format!(r#"[["content-length-range", {range}]]"#)).sizes;
            assert_eq!(sizes, Sizes { min: 5, max: 10 });
        }
        let sizes = Sizes { min: 5, max: 10 };
        assert!(sizes.check_max(10).is_ok() && sizes.check_min(5).is_ok());
        assert_eq!(sizes.check_max(11).expect_err("large").code, "EntityTooLarge");
        assert_eq!(sizes.check_min(4).expect_err("small").code, "EntityTooSmall");
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let check = |policy: &str, why: &str| {
            let refused = PostPolicy::parse(&packed(policy)).expect_err(policy);
            assert_eq!(refused.code, "InvalidPolicyDocument", "{policy}");
            assert_eq!(refused.message, format!("Invalid Policy: {why}"), "{policy}");
        };
        check("x", "Invalid JSON.");
        check("[]", "Invalid JSON.");
        check("{}", "Policy missing expiration.");
        check(r#"{"Statement": 1}"#, "Unexpected: 'statement'");
        check(
            r#"{"expiration": "2027-01-01 00:00:00"}"#,
            "Invalid 'expiration' value: '2027-01-01 00:00:00'",
        );
        check(r#"{"expiration": "2027-01-01T00:00:00Z"}"#, "Policy missing conditions.");
        let check = |condition: &str, why: &str| {
            let policy =
                format!(r#"{{"expiration": "2027-01-01T00:00:00Z", "conditions": [{condition}]}}"#);
            check(&policy, why);
        };
        check("1", "Invalid Condition: must be a List or Object.");
        check("[]", "Invalid Condition: missing operation identifier.");
        check(
            "{}",
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        );
        check(r#"{"a": 1}"#, "Invalid Simple-Condition: value must be a string.");
        check(
            r#"["content-length-range", 0]"#,
            "Invalid content-length-range: wrong number of arguments.",
        );
        check(r#"["content-length-range", -1, 0]"#, "Invalid JSON.");
        check(r#"["like", "$a", "b"]"#, "Invalid Condition: unknown operation 'like'.");
        assert_eq!(PostPolicy::parse("%%%").expect_err("no Base64").code, "InvalidPolicyDocument");
    }
}
