//! Who asks S3, and what the signature says of a body that is yet to come.

use aws::sigv4::{self, ChunkDecoder, Mechanism, PayloadHash, ServiceKind};
use aws::{Carrier, Error, Identity, Region, Signature, SignatureVersion, sigv2};

use crate::front::authenticate::Authenticator;

/// A request's caller and what is known of its body.
pub struct Proof {
    pub identity: Identity,
    /// The signature's; `None` where it has none.
    pub region: Option<Region>,
    pub signature: Option<Signature>,
    /// A presigned URL.
    pub in_query: bool,
    pub covered: Covered,
}

/// What is to be checked of a body as it comes.
pub enum Covered {
    /// Nothing.
    Unsigned,
    /// The SHA-256 of the whole.
    Whole(PayloadHash),
    /// Each chunk of an `aws-chunked` body, or at least their frame.
    Chunks(Box<ChunkDecoder>),
}

impl Authenticator {
    /// `bucket` is the one that the host names.
    ///
    /// # Errors
    /// In S3's words.
    pub async fn authenticate_s3(
        &self,
        request: &sigv4::Request<'_>,
        bucket: Option<&str>,
    ) -> Result<Proof, Error> {
        let refused = |error: sigv4::SignatureError| error.to_error(ServiceKind::S3);
        match sigv4::mechanism(request).map_err(refused)? {
            Some(Mechanism::V4Header | Mechanism::V4Query) => self.of_v4(request).await,
            Some(Mechanism::V2Query) => self.of_v2(request, bucket).await,
            None => Ok(Proof {
                identity: Identity::anonymous(),
                region: None,
                signature: None,
                in_query: false,
                covered: Covered::unsigned(request)?,
            }),
        }
    }

    async fn of_v4(&self, request: &sigv4::Request<'_>) -> Result<Proof, Error> {
        let refused = |error: sigv4::SignatureError| error.to_error(ServiceKind::S3);
        let (presented, key, identity) =
            self.verify(request, sigv4::Body::Later, "s3", ServiceKind::S3).await?;
        let covered = match &presented.payload {
            hash @ PayloadHash::Sha256(_) => Covered::Whole(hash.clone()),
            hash if hash.is_streaming() => {
                let decoder = ChunkDecoder::new(&presented, &key, request.headers);
                Covered::Chunks(Box::new(decoder.map_err(|error| error.to_error())?))
            }
            PayloadHash::OfBody => return Err(refused(sigv4::SignatureError::BodyNotRead)),
            _ => Covered::unsigned(request)?,
        };
        let in_query = presented.place == sigv4::Place::Query;
        let signature = Signature {
            version: SignatureVersion::V4,
            carrier: if in_query { Carrier::Query } else { Carrier::Header },
            age_ms: u64::try_from(self.wall.now().since(presented.at).as_millis()).ok(),
        };
        let region = Some(presented.scope.region);
        Ok(Proof { identity, region, signature: Some(signature), in_query, covered })
    }

    async fn of_v2(
        &self,
        request: &sigv4::Request<'_>,
        bucket: Option<&str>,
    ) -> Result<Proof, Error> {
        let refused = |error: sigv4::SignatureError| error.to_error(ServiceKind::S3);
        let presented = sigv2::Presented::parse(request, self.wall.now()).map_err(refused)?;
        let key_id = &presented.access_key_id;
        let token = presented.session_token.as_deref();
        let credential =
            self.credentials.find(key_id, token, self.clock.now()).await.map_err(|error| {
                sigv4::credential_refusal(error, ServiceKind::S3, key_id, token)
            })?;
        sigv2::verify(&presented, request, bucket, &credential.secret_access_key)
            .map_err(refused)?;
        Ok(Proof {
            identity: credential.identity,
            region: None,
            signature: Some(Signature {
                version: SignatureVersion::V2,
                carrier: Carrier::Query,
                age_ms: None,
            }),
            in_query: true,
            covered: Covered::unsigned(request)?,
        })
    }
}

impl Covered {
    /// Clients send `aws-chunked` bodies also where nothing is signed, for the checksum after
    /// the last byte.
    fn unsigned(request: &sigv4::Request<'_>) -> Result<Self, Error> {
        let chunked = request.headers.contains_key("x-amz-decoded-content-length")
            && super::rewrite::is_aws_chunked(request.headers);
        if !chunked {
            return Ok(Self::Unsigned);
        }
        let decoder = ChunkDecoder::unsigned(request.headers);
        Ok(Self::Chunks(Box::new(decoder.map_err(|error| error.to_error())?)))
    }
}
