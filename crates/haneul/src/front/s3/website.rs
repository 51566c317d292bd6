//! Requests to websites' hosts: anonymous whatever they carry, and answered in HTML.

use aws::{Error, Identity, Region};
use http::Response;
use http::request::Parts;
use s3::address::{Address, Kind};
use s3::website::{Visit, error_page};

use crate::front::authenticate::Caller;
use crate::front::{Front, chain};
use crate::listener::Peer;
use crate::log::RequestLine;

/// What a host means on the front door, where all are websites: a bucket of that name, as one
/// that a CNAME leads to S3.
pub(super) fn of_host(host: Option<&str>, address: Option<Address>) -> Address {
    let named = || host.unwrap_or_default().to_ascii_lowercase();
    match address {
        Some(website @ Address { kind: Kind::Website, .. }) => website,
        _ => Address { kind: Kind::Website, bucket: Some(named()), region: None },
    }
}

impl Front {
    pub(super) async fn visit(
        &self,
        parts: &Parts,
        peer: Peer,
        address: &Address,
        request_id: &str,
        line: &mut RequestLine,
    ) -> Response<aws::Body> {
        line.action = "Website".into();
        let bucket = address.bucket.as_deref().unwrap_or_default();
        let answered = match self.website_region(bucket, address) {
            Ok(region) => {
                let caller = Caller { identity: Identity::anonymous(), region };
                let call = self.call(caller, parts, peer, request_id);
                self.s3.visit(Visit { call: &call, bucket, parts }).await
            }
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| {
            if error.status >= 500 {
                tracing::error!(request_id, error = %chain(&error), "a request failed");
            }
            let error = super::in_s3_words(error);
            line.error_code.clone_from(&error.code);
            error_page(&error, request_id, &parts.method)
        })
    }

    /// The bucket's region, which must be the one that the host names, if it does.
    fn website_region(&self, bucket: &str, address: &Address) -> Result<Region, Error> {
        let home = self.s3.region_of(bucket)?;
        if let (Some(home), Some(named)) = (&home, &address.region)
            && home != named
        {
            let why = "The specified bucket exists in another region. Please direct requests to \
                       the specified endpoint.";
            let endpoint = format!("{bucket}.s3-website.{home}.{}", self.domain);
            return Err(
                Error::client(400, "IncorrectEndpoint", why).with_detail("Endpoint", endpoint)
            );
        }
        Ok(home.unwrap_or_else(|| self.region.clone()))
    }
}
