//! How many entries a page has.

use aws::Error;

use crate::error::invalid_argument;

const PAGE_MAX: usize = 1000;

/// As asked, at most a thousand.
///
/// # Errors
/// `InvalidArgument` for a negative number; `name` is the parameter.
pub(crate) fn page_size(asked: Option<i32>, name: &str) -> Result<usize, Error> {
    let Some(asked) = asked else { return Ok(PAGE_MAX) };
    match usize::try_from(asked) {
        Ok(asked) => Ok(asked.min(PAGE_MAX)),
        Err(_) => Err(invalid_argument(
            format!("Argument {name} must be an integer between 0 and 2147483647"),
            name,
            &asked.to_string(),
        )),
    }
}
