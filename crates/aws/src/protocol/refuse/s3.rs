//! What S3 says of an input that breaks its model's constraints. It has no word for them all:
//! a document is malformed, and each header has a sentence of its own.

use crate::Error;
use crate::schema::{Location, Member, Schema};
use crate::validate::{Constraint, Violation};

/// The refusal by the first violation.
pub(in crate::protocol) fn violation(input: &Schema, violations: &[Violation]) -> Error {
    let first = violations.first().expect("only called with violations");
    let name = first.path.split('.').next().unwrap_or_default();
    let member = input.members().iter().find(|member| member.name.eq_ignore_ascii_case(name));
    match member {
        Some(member) if member.location != Location::Body => {
            of_header(member, first.value.as_deref().unwrap_or_default())
        }
        Some(_) if first.constraint == Constraint::Required && first.path == name => {
            Error::client(400, "MissingRequestBodyError", "Request Body is empty")
        }
        _ => Error::client(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
    }
}

fn of_header(member: &Member, given: &str) -> Error {
    let name = member.wire_or_name();
    let argument = |message: &str| {
        Error::client(400, "InvalidArgument", message)
            .with_detail("ArgumentName", name)
            .with_detail("ArgumentValue", given)
    };
    match name {
        "x-amz-storage-class" => {
            let message = "The storage class you specified is not valid";
            Error::client(400, "InvalidStorageClass", message)
                .with_detail("StorageClassRequested", given)
        }
        "x-amz-sdk-checksum-algorithm" | "x-amz-checksum-algorithm" => Error::client(
            400,
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid \
             types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        ),
        "x-amz-checksum-type" => {
            Error::client(400, "InvalidRequest", "Value for x-amz-checksum-type header is invalid.")
        }
        "x-amz-server-side-encryption" => {
            argument("The encryption method specified is not supported")
        }
        "x-amz-metadata-directive" => argument("Unknown metadata directive."),
        "x-amz-tagging-directive" => argument("Unknown tagging directive."),
        "x-amz-object-lock-mode" => argument("Unknown wormMode directive."),
        "x-amz-object-lock-legal-hold" => argument("Legal Hold must be either of 'ON' or 'OFF'"),
        "encoding-type" => argument("Invalid Encoding Method specified in Request"),
        "x-amz-object-ownership" => {
            argument(&format!("Invalid x-amz-object-ownership header: {given}"))
        }
        _ => argument("Invalid Argument"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::STRING;

    static MEMBERS: [Member; 3] = [
        Member::new("ACL", &STRING).wire("x-amz-acl").at(Location::Header),
        Member::new("StorageClass", &STRING).wire("x-amz-storage-class").at(Location::Header),
        Member::new("Tagging", &STRING),
    ];
    static INPUT: Schema = Schema::structure("Input", &MEMBERS);

    #[test]
    fn a_header_has_its_own_words_and_a_document_none() {
        let check = |path: &str, expected: &str| {
            let violation = Violation {
                path: path.into(),
                value: Some("bogus".into()),
                constraint: Constraint::Required,
            };
            let refused = super::violation(&INPUT, &[violation]);
            assert_eq!(refused.code, expected);
        };
        check("aCL", "InvalidArgument");
        check("storageClass", "InvalidStorageClass");
        check("tagging.tagSet.1.member.key", "MalformedXML");
        check("tagging", "MissingRequestBodyError");
    }
}
