//! A form's fields, whose names are known in any case.

use aws::Error;

use crate::error::invalid_argument;

/// In their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// The first of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// A field that must be there, by S3's spelling of its name.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn required(&self, name: &str) -> Result<&str, Error> {
        self.get(name).ok_or_else(|| {
            let why = format!(
                "Bucket POST must contain a field named '{name}'.  If it is specified, please \
                 check the order of the fields."
            );
            invalid_argument(why, name, "")
        })
    }

    pub fn set(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The fields that are headers of PutObject, by the headers' names. `acl` and the like are
    /// called otherwise there.
    pub fn headers(&self) -> impl Iterator<Item = (String, &str)> {
        self.iter().filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let header = match name.as_str() {
                "acl" => "x-amz-acl".to_owned(),
                _ if PLAIN.contains(&name.as_str()) => name,
                _ if name.starts_with("x-amz-") && !OF_SIGNATURES.contains(&name.as_str()) => name,
                _ => return None,
            };
            Some((header, value))
        })
    }
}

const PLAIN: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];

const OF_SIGNATURES: [&str; 5] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];
