//! The Condition element: operators, and what they say of a request.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ipnet::IpNet;

use crate::context::{Context, Values};
use crate::date;
use crate::pattern::{ArnPattern, Notation, Pattern, arn_fields};

/// One operator on one key. All conditions of a statement must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    operator: Operator,
    /// As written.
    key: Box<str>,
    key_lower: Box<str>,
    /// As written; any of them may match.
    values: Vec<String>,
    operands: Vec<Operand>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Operator {
    quantifier: Option<Quantifier>,
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Quantifier {
    AllValues,
    AnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Text {
        wildcards: bool,
        ignore_case: bool,
    },
    Number(Relation),
    Date(Relation),
    Bool,
    Binary,
    Ip,
    /// Whether the operator was written `…Equals` or `…Like` makes no difference.
    Arn {
        like: bool,
    },
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

const RELATIONS: [(Relation, &str); 5] = [
    (Relation::Equals, "Equals"),
    (Relation::LessThan, "LessThan"),
    (Relation::LessThanEquals, "LessThanEquals"),
    (Relation::GreaterThan, "GreaterThan"),
    (Relation::GreaterThanEquals, "GreaterThanEquals"),
];

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Text(Pattern),
    Arn(ArnPattern),
    Number(Number),
    /// Milliseconds since 1970; wider than a `Timestamp`, as AWS's years are.
    Date(i128),
    Bytes(Vec<u8>),
    Network(IpNet),
    IsNull(bool),
    /// A value its operator cannot read, which no request matches.
    Unreadable,
}

impl Operator {
    /// Names are matched with their case, as AWS does.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Quantifier::AllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::AnyValue), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (comparison, negated) = Comparison::parse(rest)?;
        if comparison == Comparison::Null && if_exists {
            return None;
        }
        Some(Self { quantifier, comparison, negated, if_exists })
    }
}

impl Comparison {
    /// The comparison and whether the operator is its negation.
    fn parse(name: &str) -> Option<(Self, bool)> {
        let text = |wildcards, ignore_case| Self::Text { wildcards, ignore_case };
        Some(match name {
            "StringEquals" => (text(false, false), false),
            "StringNotEquals" => (text(false, false), true),
            "StringEqualsIgnoreCase" => (text(false, true), false),
            "StringNotEqualsIgnoreCase" => (text(false, true), true),
            "StringLike" => (text(true, false), false),
            "StringNotLike" => (text(true, false), true),
            "NumericNotEquals" => (Self::Number(Relation::Equals), true),
            "DateNotEquals" => (Self::Date(Relation::Equals), true),
            "Bool" => (Self::Bool, false),
            "BinaryEquals" => (Self::Binary, false),
            "IpAddress" => (Self::Ip, false),
            "NotIpAddress" => (Self::Ip, true),
            "ArnEquals" => (Self::Arn { like: false }, false),
            "ArnLike" => (Self::Arn { like: true }, false),
            "ArnNotEquals" => (Self::Arn { like: false }, true),
            "ArnNotLike" => (Self::Arn { like: true }, true),
            "Null" => (Self::Null, false),
            _ => {
                let relation = |suffix| RELATIONS.iter().find(|r| r.1 == suffix).map(|r| r.0);
                match (name.strip_prefix("Numeric"), name.strip_prefix("Date")) {
                    (Some(suffix), _) => (Self::Number(relation(suffix)?), false),
                    (_, Some(suffix)) => (Self::Date(relation(suffix)?), false),
                    _ => return None,
                }
            }
        })
    }

    fn name(self, negated: bool) -> String {
        let not = if negated { "Not" } else { "" };
        let relation =
            |relation| RELATIONS.iter().find(|r| r.0 == relation).map_or("", |(_, name)| name);
        match self {
            Self::Text { wildcards: true, .. } => format!("String{not}Like"),
            Self::Text { ignore_case: true, .. } => format!("String{not}EqualsIgnoreCase"),
            Self::Text { .. } => format!("String{not}Equals"),
            Self::Number(r) => format!("Numeric{not}{}", relation(r)),
            Self::Date(r) => format!("Date{not}{}", relation(r)),
            Self::Bool => "Bool".into(),
            Self::Binary => "BinaryEquals".into(),
            Self::Ip => format!("{not}IpAddress"),
            Self::Arn { like: true } => format!("Arn{not}Like"),
            Self::Arn { like: false } => format!("Arn{not}Equals"),
            Self::Null => "Null".into(),
        }
    }
}

impl Condition {
    pub(crate) fn new(operator: Operator, key: &str, values: Vec<String>, variables: bool) -> Self {
        let operands =
            values.iter().map(|value| Operand::parse(operator.comparison, value, variables));
        Self {
            operator,
            operands: operands.collect(),
            key: key.into(),
            key_lower: key.to_lowercase().into(),
            values,
        }
    }

    /// The operator's name as AWS writes it.
    pub fn operator(&self) -> String {
        let Operator { quantifier, comparison, negated, if_exists } = self.operator;
        let prefix = match quantifier {
            Some(Quantifier::AllValues) => "ForAllValues:",
            Some(Quantifier::AnyValue) => "ForAnyValue:",
            None => "",
        };
        let suffix = if if_exists { "IfExists" } else { "" };
        format!("{prefix}{}{suffix}", comparison.name(negated))
    }

    /// The key as written in the policy.
    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether it can hold only for a request that says for the key what one of the values says.
    /// Negations, `…IfExists` and `ForAllValues` also hold for a request that says nothing.
    pub(crate) fn requires_value(&self) -> bool {
        let Operator { quantifier, comparison, negated, if_exists } = self.operator;
        let compares_names =
            matches!(comparison, Comparison::Text { .. } | Comparison::Arn { .. } | Comparison::Ip);
        compares_names && !negated && !if_exists && quantifier != Some(Quantifier::AllValues)
    }

    /// Dates that cannot be read make AWS refuse a policy; other values only match nothing.
    pub(crate) fn has_unreadable_date(&self) -> bool {
        matches!(self.operator.comparison, Comparison::Date(_))
            && self.operands.contains(&Operand::Unreadable)
    }

    /// Keys of the variables in the values.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.operands.iter().flat_map(|operand| {
            let (text, arn) = match operand {
                Operand::Text(pattern) => (Some(pattern.variables()), None),
                Operand::Arn(pattern) => (None, Some(pattern.variables())),
                _ => (None, None),
            };
            text.into_iter().flatten().chain(arn.into_iter().flatten())
        })
    }

    pub(crate) fn holds(&self, context: &Context<'_>) -> bool {
        let values = context.values(&self.key_lower);
        let Operator { quantifier, comparison, negated, if_exists } = self.operator;
        if comparison == Comparison::Null {
            return self.operands.contains(&Operand::IsNull(values == Values::Absent));
        }
        let one: [Cow<'_, str>; 1];
        let (single, many): (&[Cow<'_, str>], &[String]) = match values {
            // The key is missing: a negated operator has nothing to object to.
            Values::Absent if if_exists => return true,
            Values::Absent => {
                return match quantifier {
                    Some(Quantifier::AllValues) => true,
                    Some(Quantifier::AnyValue) => false,
                    None => negated,
                };
            }
            Values::One(value) => {
                one = [value];
                (&one, &[])
            }
            Values::Many(values) => (&[], values),
        };
        let mut asked = single.iter().map(|v| &**v).chain(many.iter().map(|v| &**v));
        let hit = |value: &str| {
            self.operands.iter().any(|operand| operand.matches(comparison, value, context))
        };
        match quantifier {
            None => asked.any(hit) != negated,
            // Nothing but an empty text is AWS's "null data set".
            Some(quantifier) if asked.clone().all(str::is_empty) => {
                quantifier == Quantifier::AllValues
            }
            Some(Quantifier::AllValues) => asked.all(|value| hit(value) != negated),
            Some(Quantifier::AnyValue) => asked.any(|value| hit(value) != negated),
        }
    }
}

impl Operand {
    fn parse(comparison: Comparison, value: &str, variables: bool) -> Self {
        let read = match comparison {
            Comparison::Text { wildcards, ignore_case } => {
                let notation = Notation { wildcards, variables, ignore_case };
                Some(Self::Text(Pattern::parse(value, notation)))
            }
            Comparison::Bool => {
                let notation = Notation { wildcards: false, variables, ignore_case: true };
                Some(Self::Text(Pattern::parse(value, notation)))
            }
            Comparison::Arn { .. } => Some(Self::Arn(ArnPattern::parse(value, variables))),
            Comparison::Number(_) => Number::parse(value).map(Self::Number),
            Comparison::Date(_) => date::parse(value).map(Self::Date),
            Comparison::Binary => BASE64.decode(value).ok().map(Self::Bytes),
            Comparison::Ip => network(value).map(Self::Network),
            Comparison::Null => match value.to_ascii_lowercase().as_str() {
                "true" => Some(Self::IsNull(true)),
                "false" => Some(Self::IsNull(false)),
                _ => None,
            },
        };
        read.unwrap_or(Self::Unreadable)
    }

    /// Whether the request's `value` stands in the operator's relation to this one.
    fn matches(&self, comparison: Comparison, value: &str, context: &Context<'_>) -> bool {
        match (self, comparison) {
            (Self::Text(own), Comparison::Bool) => {
                let is_bool =
                    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
                is_bool && own.matches(value, context)
            }
            (Self::Text(own), _) => own.matches(value, context),
            (Self::Arn(own), _) => {
                let fields = arn_fields(value);
                (fields.is_some() || own.field_count() == 0)
                    && own.matches(fields.as_ref(), context)
                    && matches!(own.field_count(), 0 | 6)
            }
            (Self::Number(own), Comparison::Number(relation)) => {
                Number::parse(value).and_then(|v| v.compare(own)).is_some_and(|o| relation.has(o))
            }
            (Self::Date(own), Comparison::Date(relation)) => {
                date::parse(value).is_some_and(|v| relation.has(v.cmp(own)))
            }
            (Self::Bytes(own), _) => BASE64.decode(value).is_ok_and(|v| v == *own),
            (Self::Network(own), _) => {
                value.parse::<IpAddr>().is_ok_and(|ip| own.contains(&ip.to_canonical()))
            }
            _ => false,
        }
    }
}

impl Relation {
    fn has(self, value_to_operand: Ordering) -> bool {
        match self {
            Self::Equals => value_to_operand.is_eq(),
            Self::LessThan => value_to_operand.is_lt(),
            Self::LessThanEquals => value_to_operand.is_le(),
            Self::GreaterThan => value_to_operand.is_gt(),
            Self::GreaterThanEquals => value_to_operand.is_ge(),
        }
    }
}

/// Whole numbers keep all their digits; only what has a point or an exponent is a float.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let real = || text.parse().ok().filter(|real: &f64| real.is_finite()).map(Self::Real);
        text.parse().ok().map(Self::Whole).or_else(real)
    }

    fn compare(self, other: &Self) -> Option<Ordering> {
        match (self, *other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (a, b) => a.real().partial_cmp(&b.real()),
        }
    }

    fn real(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the other side is a float already")]
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

/// An address without a prefix length stands for itself alone.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
