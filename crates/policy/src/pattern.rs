//! Text with wildcards and policy variables, compiled once and matched often.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use std::borrow::Cow;

use crate::context::Context;

/// Which of the two notations a place in a policy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Notation {
    /// `*` and `?` stand for other text.
    pub(crate) wildcards: bool,
    /// `${key}` stands for a value of the request; only in version 2012-10-17.
    pub(crate) variables: bool,
    /// Letters are compared without their case.
    pub(crate) ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(Box<str>),
    One,
    Many,
    /// `name` is the key as written, `key` the same in lower case.
    Variable {
        name: Box<str>,
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// A pattern letter by letter.
#[derive(Clone, Copy, PartialEq)]
enum Token {
    Letter(char),
    One,
    Many,
}

impl Pattern {
    pub(crate) fn parse(text: &str, notation: Notation) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let (piece, len) = match letter {
                '*' if notation.wildcards => (Some(Piece::Many), 1),
                '?' if notation.wildcards => (Some(Piece::One), 1),
                '$' if notation.variables => match variable(rest) {
                    Some((Variable::Letter(literal), len)) => {
                        plain.push(literal);
                        (None, len)
                    }
                    Some((Variable::Key(piece), len)) => (Some(piece), len),
                    None => {
                        plain.push('$');
                        (None, 1)
                    }
                },
                other => {
                    plain.push(other);
                    (None, other.len_utf8())
                }
            };
            rest = &rest[len..];
            if let Some(piece) = piece {
                push_text(&mut pieces, &mut plain, notation.ignore_case);
                // Neighbouring stars say no more than one.
                if piece != Piece::Many || pieces.last() != Some(&Piece::Many) {
                    pieces.push(piece);
                }
            }
        }
        push_text(&mut pieces, &mut plain, notation.ignore_case);
        Self { pieces, ignore_case: notation.ignore_case }
    }

    /// The keys of the variables used here that have no default, as written.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { name, default: None, .. } => Some(&**name),
            _ => None,
        })
    }

    /// A pattern with a variable that the request has no value for matches nothing.
    pub(crate) fn matches(&self, text: &str, context: &Context<'_>) -> bool {
        match self.pieces.as_slice() {
            [] => return text.is_empty(),
            [Piece::Many] => return true,
            [Piece::Text(own)] if !self.ignore_case => return **own == *text,
            _ => {}
        }
        let text = if self.ignore_case { Cow::Owned(text.to_lowercase()) } else { text.into() };
        let has_variable = self.pieces.iter().any(|p| matches!(p, Piece::Variable { .. }));
        if !has_variable {
            return glob(&self.pieces, &[], &text);
        }
        self.resolved(context).is_some_and(|values| glob(&self.pieces, &values, &text))
    }

    /// Whether some text matches both patterns. Variables can have any value, and letters are
    /// compared with their case.
    fn overlaps(&self, other: &Self) -> bool {
        let (own, other) = (self.tokens(), other.tokens());
        // `reached[n]`: some text fits all of `own` read so far and the first `n` of `other`.
        let leading_stars = other.iter().take_while(|token| **token == Token::Many).count();
        let mut reached: Vec<bool> = (0..=other.len()).map(|n| n <= leading_stars).collect();
        for own in own {
            let mut before_both = reached[0];
            reached[0] &= own == Token::Many;
            for (n, other) in other.iter().enumerate() {
                let before_own = reached[n + 1];
                reached[n + 1] = match (own, *other) {
                    // A star takes nothing, or what the other side gives.
                    (Token::Many, _) | (_, Token::Many) => before_own || reached[n],
                    (Token::One, _) | (_, Token::One) => before_both,
                    (Token::Letter(own), Token::Letter(other)) => before_both && own == other,
                };
                before_both = before_own;
            }
        }
        reached[other.len()]
    }

    fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => tokens.extend(text.chars().map(Token::Letter)),
                Piece::One => tokens.push(Token::One),
                Piece::Many | Piece::Variable { .. } => tokens.push(Token::Many),
            }
        }
        tokens
    }

    /// The value of each piece that is a variable, empty for the others.
    fn resolved<'a>(&'a self, context: &'a Context<'_>) -> Option<Vec<Cow<'a, str>>> {
        let value = |piece: &'a Piece| match piece {
            Piece::Variable { key, default, .. } => {
                let value = context.single(key).or_else(|| default.as_deref().map(Cow::from))?;
                Some(if self.ignore_case { value.to_lowercase().into() } else { value })
            }
            _ => Some(Cow::Borrowed("")),
        };
        self.pieces.iter().map(value).collect()
    }
}

fn push_text(pieces: &mut Vec<Piece>, plain: &mut String, ignore_case: bool) {
    if !plain.is_empty() {
        let text = std::mem::take(plain);
        let text = if ignore_case { text.to_lowercase() } else { text };
        pieces.push(Piece::Text(text.into()));
    }
}

enum Variable {
    Letter(char),
    Key(Piece),
}

/// Reads `${key}`, `${key, 'default'}` or one of `${*}`, `${?}`, `${$}` at the start of `text`,
/// and says how long it is. Anything else is ordinary text, as AWS takes it.
fn variable(text: &str) -> Option<(Variable, usize)> {
    let inner = text.strip_prefix("${")?;
    for letter in ['*', '?', '$'] {
        if inner.starts_with(letter) && inner[1..].starts_with('}') {
            return Some((Variable::Letter(letter), 4));
        }
    }
    let end = inner.find(['}', ',', '$', '{'])?;
    let name = inner[..end].trim();
    if name.is_empty() {
        return None;
    }
    let (default, len) = match inner.as_bytes()[end] {
        b'}' => (None, end + 3),
        b',' => {
            let quoted = inner[end + 1..].trim_start().strip_prefix('\'')?;
            let close = quoted.find('\'')?;
            let after = quoted[close + 1..].trim_start().strip_prefix('}')?;
            (Some(quoted[..close].into()), text.len() - after.len())
        }
        _ => return None,
    };
    let key = name.to_lowercase().into();
    Some((Variable::Key(Piece::Variable { name: name.into(), key, default }), len))
}

/// Matches with one point of return, the last star seen: a later star can take over whatever
/// an earlier one would have to give back, so no other need be tried. At most
/// `text.len() * pieces.len()` comparisons.
fn glob(pieces: &[Piece], values: &[Cow<'_, str>], text: &str) -> bool {
    let char_len = |at: usize| text[at..].chars().next().map(char::len_utf8);
    let (mut piece, mut at) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    loop {
        let step = match pieces.get(piece) {
            None if at == text.len() => return true,
            None => None,
            Some(Piece::Many) => {
                if piece + 1 == pieces.len() {
                    return true;
                }
                last_star = Some((piece + 1, at));
                Some(0)
            }
            Some(Piece::One) => char_len(at),
            Some(Piece::Text(own)) => text[at..].starts_with(&**own).then_some(own.len()),
            Some(Piece::Variable { .. }) => {
                text[at..].starts_with(&*values[piece]).then(|| values[piece].len())
            }
        };
        if let Some(len) = step {
            piece += 1;
            at += len;
            continue;
        }
        let Some((after_star, from)) = last_star else { return false };
        let Some(len) = char_len(from) else { return false };
        last_star = Some((after_star, from + len));
        piece = after_star;
        at = from + len;
    }
}

/// A resource name with wildcards in its fields; a wildcard stays within its field, except in
/// the last one, which keeps its colons. Fields left out at the end stand for anything.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArnPattern {
    text: Box<str>,
    /// `None` for a lone `*`, which also stands for what is not an ARN.
    fields: Option<Vec<Pattern>>,
}

impl ArnPattern {
    pub(crate) fn parse(text: &str, variables: bool) -> Self {
        let notation = Notation { wildcards: true, variables, ignore_case: false };
        let fields = (text != "*").then(|| {
            split_arn(text, variables).into_iter().map(|f| Pattern::parse(f, notation)).collect()
        });
        Self { text: text.into(), fields }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().flatten().flat_map(Pattern::variables)
    }

    pub(crate) fn field_count(&self) -> usize {
        self.fields.as_ref().map_or(0, Vec::len)
    }

    /// Whether some name matches both, whatever the variables' values are.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (&self.fields, &other.fields) {
            (Some(own), Some(other)) => own.iter().zip(other).all(|(a, b)| a.overlaps(b)),
            _ => true,
        }
    }

    /// `fields` are the six of the name asked for; `None` when that is not an ARN.
    pub(crate) fn matches(&self, fields: Option<&[&str; 6]>, context: &Context<'_>) -> bool {
        match (&self.fields, fields) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(asked)) => {
                own.iter().zip(asked).all(|(pattern, field)| pattern.matches(field, context))
            }
        }
    }
}

/// The six fields of an ARN; `None` when there are fewer.
pub(crate) fn arn_fields(text: &str) -> Option<[&str; 6]> {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    fields.try_into().ok().filter(|fields: &[&str; 6]| fields[0] == "arn")
}

/// Splits at the first five colons that are not inside `${…}`.
fn split_arn(text: &str, variables: bool) -> Vec<&str> {
    let mut fields = Vec::with_capacity(6);
    let mut from = 0;
    let mut skip_to = 0;
    for (at, letter) in text.char_indices() {
        if at < skip_to || fields.len() == 5 {
            continue;
        }
        if letter == '$' && variables {
            skip_to = at + variable(&text[at..]).map_or(1, |(_, len)| len);
        } else if letter == ':' {
            fields.push(&text[from..at]);
            from = at + 1;
        }
    }
    fields.push(&text[from..]);
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Notation = Notation { wildcards: true, variables: true, ignore_case: false };

    fn check(pattern: &str, text: &str, expected: bool) {
        let given = [
            ("aws:username".to_owned(), vec!["bob*".to_owned()]),
            ("aws:TagKeys".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ];
        let context = Context::of_values(&given);
        let compiled = Pattern::parse(pattern, ALL);
        assert_eq!(compiled.matches(text, &context), expected, "{pattern} on {text}");
    }

    #[test]
    fn wildcards_and_variables() {
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("?", "", false);
        check("?", "é", true);
        check("a?c", "abc", true);
        check("a*b*c", "aXXbYYbc", true);
        check("a*bc", "abcbd", false);
        check("*.txt", "notes.txt", true);
        check("home/${aws:username}/*", "home/bob*/x", true);
        check("home/${AWS:UserName}/*", "home/bob*/x", true);
        check("home/${aws:username}/*", "home/bobby/x", false);
        check("${aws:none}", "", false);
        check("*${aws:none}*", "anything", false);
        check("${aws:none, 'every one'}!", "every one!", true);
        check("${aws:username, 'every one'}", "bob*", true);
        check("${aws:TagKeys}", "a", false);
        check("${*}${?}${$}", "*?$", true);
        check("${*}", "x", false);
        check("a${", "a${", true);
        check("a${}b", "a${}b", true);
        check("$5", "$5", true);
    }

    #[test]
    fn without_variables_the_notation_is_text() {
        let notation = Notation { variables: false, ..ALL };
        let context = Context::of_values(&[]);
        assert!(Pattern::parse("${aws:username}", notation).matches("${aws:username}", &context));
    }

    #[test]
    fn names_match_field_by_field() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let context = Context::of_values(&[]);
            let pattern = ArnPattern::parse(pattern, true);
            assert_eq!(pattern.matches(arn_fields(name).as_ref(), &context), expected, "{name}");
        };
        check("*", "*", true);
        check("*", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::*", "*", false);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b/c", true);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b", false);
        check("arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:eu-west-1:1:instance/i-1", true);
        check("arn:aws:ec2:*:instance/*", "arn:aws:ec2:eu-west-1:1:instance/i-1", false);
        check("arn:aws:sqs", "arn:aws:sqs:eu-west-1:1:q", true);
        check("arn:aws:sqs", "arn:aws:sns:eu-west-1:1:q", false);
        check("arn:aws:iam::*:user/b?b", "arn:aws:iam::1:user/bob", true);
        check("arn:aws:s3:::${aws:none, 'b:c'}", "arn:aws:s3:::b:c", true);
    }

    #[test]
    fn names_overlap_when_one_could_match_both() {
        let check = |one: &str, other: &str, expected: bool| {
            let (one, other) = (ArnPattern::parse(one, true), ArnPattern::parse(other, true));
            assert_eq!(one.overlaps(&other), expected, "{one:?} and {other:?}");
            assert_eq!(other.overlaps(&one), expected, "{other:?} and {one:?}");
        };
        check("*", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b", "arn:aws:s3:::c", false);
        check("arn:aws:s3:::b*", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b*", "arn:aws:s3:::b/*", true);
        check("arn:aws:s3:::b", "arn:aws:s3:::b/*", false);
        check("arn:aws:s3:::b/", "arn:aws:s3:::b/*", true);
        check("arn:aws:s3:::*/logs", "arn:aws:s3:::b/*", true);
        check("arn:aws:s3:::c/*/logs", "arn:aws:s3:::b/*", false);
        check("arn:aws:s3:::?/${aws:username}", "arn:aws:s3:::b/*", true);
        check("arn:aws:*:::b/x", "arn:aws:s3:::b/*", true);
        check("arn:aws:ec2", "arn:aws:s3:::b/*", false);
    }

    #[test]
    fn many_stars_cost_no_more_than_a_product() {
        let pattern = Pattern::parse(&("a*".repeat(200) + "b"), ALL);
        assert!(!pattern.matches(&"a".repeat(4000), &Context::of_values(&[])));
    }

    proptest! {
        #[test]
        fn agrees_with_a_regular_expression(
            pattern in "[ab?*é]{0,8}",
            text in "[abé]{0,10}",
        ) {
            let escaped = pattern.replace('*', ".*").replace('?', ".");
            let oracle = regex::Regex::new(&format!("^(?s:{escaped})$")).expect("letters only");
            let ours = Pattern::parse(&pattern, ALL).matches(&text, &Context::of_values(&[]));
            prop_assert_eq!(ours, oracle.is_match(&text));
        }

        /// Of two patterns with a common text, found by trying all short ones, each overlaps.
        #[test]
        fn patterns_overlap_when_a_text_matches_both(
            one in "[ab?*]{0,4}",
            other in "[ab?*]{0,4}",
        ) {
            let context = Context::of_values(&[]);
            let (one, other) = (Pattern::parse(&one, ALL), Pattern::parse(&other, ALL));
            // No two patterns of four pieces need a longer text than both together.
            let mut texts = vec![String::new()];
            for len in 0..8 {
                let longest: Vec<_> = texts.iter().filter(|t| t.len() == len).cloned().collect();
                texts.extend(longest.iter().flat_map(|t| [format!("{t}a"), format!("{t}b")]));
            }
            let common = |t: &String| one.matches(t, &context) && other.matches(t, &context);
            prop_assert_eq!(one.overlaps(&other), texts.iter().any(common));
        }

        #[test]
        fn any_text_is_read_and_matches_itself_when_it_has_no_notation(text in ".{0,40}") {
            let context = Context::of_values(&[]);
            let _ = Pattern::parse(&text, ALL).matches(&text, &context);
            let plain = Notation { wildcards: false, variables: false, ignore_case: false };
            prop_assert!(Pattern::parse(&text, plain).matches(&text, &context));
            let _ = ArnPattern::parse(&text, true).matches(arn_fields(&text).as_ref(), &context);
        }
    }
}
