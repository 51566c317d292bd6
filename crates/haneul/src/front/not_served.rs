//! How a service that haneul lacks is refused: by name, in a form its client can read, as
//! the client's error, because SDKs retry a 5xx for minutes.

use aws::sigv4::ServiceKind;
use aws::{Error, Model, Protocol};

use super::route::Looks;

impl Looks {
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Query => Protocol::Query,
            Self::Ec2 => Protocol::Ec2,
            Self::RestXml | Self::S3 => Protocol::RestXml,
            Self::Json10 => Protocol::Json10,
            Self::Json11 => Protocol::Json11,
        }
    }

    pub fn kind(self) -> ServiceKind {
        match self {
            Self::S3 => ServiceKind::S3,
            _ => kind(self.protocol()),
        }
    }

    /// A model of no operations, for the printer of refusals.
    pub fn model(self) -> &'static Model {
        match self {
            Self::S3 => &S3,
            _ => &ANY,
        }
    }
}

/// The words for bad signatures of a service spoken to so.
pub fn kind(protocol: Protocol) -> ServiceKind {
    match protocol {
        Protocol::Query | Protocol::RestXml => ServiceKind::Query,
        Protocol::Json10 | Protocol::Json11 => ServiceKind::Json,
        Protocol::Ec2 => ServiceKind::Ec2,
    }
}

/// # Panics
/// Never: the status is a client's.
pub fn refusal(service: &str, operation: Option<&str>) -> Error {
    match operation {
        Some(operation) => Error::not_served(service, operation),
        None => Error::client(
            400,
            "UnsupportedOperation",
            format!("haneul does not support the service {service} yet. Nothing was changed."),
        ),
    }
}

const NOTHING: Model = Model {
    signing_name: "",
    service_id: "",
    api_version: "",
    xml_namespace: "",
    target_prefix: "",
    protocols: &[],
    query_compatible: false,
    operations: &[],
    not_served: &[],
    errors: &[],
};

static ANY: Model = NOTHING;
static S3: Model = Model { signing_name: "s3", ..NOTHING };
