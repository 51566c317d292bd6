//! What unit tests stand on: S3 in memory, two accounts and a stranger, a clock that is turned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::{
    AccountId, Authorizer, Body, BoxFuture, Call, Check, Clock, Decision, Error, Identity, Input,
    Principal, Random, Region, Service, Timestamp, Value,
};
use futures_util::TryStreamExt;
use objects::Engine;
use policy::{Applied, Context, Document, Kind, Named, Request, Requester, denial, evaluate};

use crate::lifecycle::Day;
use crate::model::{
    CreateBucketConfiguration, CreateBucketRequest, GetObjectOutput, GetObjectRequest,
    PutObjectOutput, PutObjectRequest, service,
};
use crate::row::{Content, Headers, Sealing};
use crate::{S3, bucket, object};

pub(crate) const OWNER: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const REGION: &str = "ap-northeast-2";

pub(crate) struct World {
    pub(crate) s3: S3,
    pub(crate) clock: Arc<Clock>,
    policies: Arc<Policies>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(Clock::manual(Timestamp::from_secs(1_800_000_000)));
        let policies = Arc::new(Policies::default());
        let s3 = S3::new(
            Engine::memory(),
            clock.clone(),
            Arc::new(Random::seeded(1)),
            region(REGION),
            "localhost".into(),
            policies.clone(),
            Day::default(),
        );
        Self { s3, clock, policies }
    }

    /// The root user of [`OWNER`].
    pub(crate) fn owner(&self) -> Call {
        self.call_as(OWNER)
    }

    /// The root user of [`OTHER`].
    pub(crate) fn other(&self) -> Call {
        self.call_as(OTHER)
    }

    pub(crate) fn anonymous(&self) -> Call {
        self.call(Identity::anonymous())
    }

    /// An account's root user, at the clock's time and in the region [`REGION`].
    pub(crate) fn call_as(&self, account: &str) -> Call {
        self.call(Identity::root(id(account)))
    }

    /// A user of an account with the policies that [`Self::attach`] gives it.
    pub(crate) fn user(&self, account: &str, name: &str) -> Call {
        self.call(Identity {
            account: Some(id(account)),
            principal: Principal::User {
                id: format!("AIDA{}", name.to_uppercase()),
                path: "/".into(),
                name: name.into(),
            },
            access_key_id: None,
            session: None,
        })
    }

    pub(crate) fn call(&self, identity: Identity) -> Call {
        Call {
            request_id: "r".into(),
            identity,
            region: region(REGION),
            at: self.clock.now(),
            source_ip: None,
            user_agent: None,
            referer: None,
            host: None,
            signature: None,
            secure_transport: true,
            via: None,
        }
    }

    /// Gives a user an identity policy, beside those it has.
    pub(crate) fn attach(&self, user: &Call, document: &str) {
        let document = Document::parse(document, Kind::Inline).expect("an identity policy");
        let arn = user.identity.arn().expect("a user");
        let mut attached = self.policies.0.lock().expect("unpoisoned");
        attached.entry(arn).or_default().push(document);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A bucket of [`OWNER`] in [`REGION`].
    pub(crate) async fn bucket(&self, name: &str) {
        self.bucket_with(CreateBucketRequest { bucket: name.into(), ..Default::default() }).await;
    }

    /// The same, with more to say; the location constraint is added.
    pub(crate) async fn bucket_with(&self, input: CreateBucketRequest) {
        let located = CreateBucketConfiguration {
            location_constraint: Some(REGION.into()),
            ..input.create_bucket_configuration.clone().unwrap_or_default()
        };
        let input = CreateBucketRequest { create_bucket_configuration: Some(located), ..input };
        bucket::create(&self.s3, &self.owner(), input).await.expect("a new bucket");
    }

    pub(crate) async fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> PutObjectOutput {
        let input = PutObjectRequest {
            bucket: bucket.into(),
            key: key.into(),
            body: Some(body(bytes)),
            ..Default::default()
        };
        object::put::put(&self.s3, &self.owner(), input).await.expect("an object put")
    }

    pub(crate) async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Error> {
        let input =
            GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() };
        let output: GetObjectOutput = object::get::get(&self.s3, &self.owner(), input).await?;
        read(output.body.unwrap_or_default()).await
    }

    /// An operation as the front runs it: authorized, then served. `input` is a variant of
    /// [`crate::model::Input`].
    pub(crate) async fn ask(
        &self,
        call: &Call,
        input: crate::model::Input,
    ) -> Result<Value, Error> {
        let service: Arc<dyn Service> = service(Arc::new(self.s3.clone()));
        let input = Input::new(input);
        for check in service.checks(call, &input).await? {
            match self.policies.authorize(call, &check).await? {
                Decision::Allowed => {}
                Decision::Denied { message } => return Err(Error::access_denied(message)),
            }
        }
        service.serve(call, input).await
    }
}

pub(crate) fn id(account: &str) -> AccountId {
    account.parse().expect("an account id")
}

pub(crate) fn region(name: &str) -> Region {
    name.parse().expect("a region")
}

pub(crate) fn body(bytes: &[u8]) -> Body {
    Body::from(bytes::Bytes::copy_from_slice(bytes))
}

pub(crate) async fn read(body: Body) -> Result<Vec<u8>, Error> {
    let chunks: Vec<bytes::Bytes> = body.into_chunks().try_collect().await?;
    Ok(chunks.concat())
}

/// Of an empty object.
pub(crate) fn content() -> Content {
    Content {
        bytes: 0,
        etag: String::new(),
        class: "STANDARD".into(),
        pieces: Vec::new(),
        multipart: false,
        upload: None,
        checksum: None,
        headers: Headers::default(),
        metadata: Vec::new(),
        website_redirect: None,
        tags: Vec::new(),
        acl: None,
        sealing: Sealing::Region { wrapped: String::new() },
        retention: None,
        legal_hold: None,
        restore: None,
    }
}

/// The code of a refusal.
pub(crate) fn code<T>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(_) => "OK".into(),
        Err(error) => error.code.into_owned(),
    }
}

/// The policy engine on the identity policies that a test has attached.
#[derive(Default)]
struct Policies(Mutex<HashMap<String, Vec<Document>>>);

impl Policies {
    fn decide(&self, call: &Call, check: &Check) -> Decision {
        let attached = self.0.lock().expect("unpoisoned");
        let arn = call.identity.arn().unwrap_or_default();
        let identity = attached.get(&arn).map_or(&[][..], Vec::as_slice);
        let identity: Vec<Named<'_>> =
            identity.iter().map(|document| Named { name: "identity", document }).collect();
        let resource: Vec<Document> = check
            .resource_policies
            .iter()
            .map(|text| Document::parse(text, Kind::Resource).expect("a resource's policy"))
            .collect();
        let resource: Vec<Named<'_>> =
            resource.iter().map(|document| Named { name: "resource", document }).collect();
        let applied =
            Applied { identity: &identity, boundary: None, session: &[], resource: &resource };
        let context = Context {
            call: Some(call),
            principal_tags: &[],
            resource_account: check.resource_account.as_ref().or(call.identity.account.as_ref()),
            given: &check.context,
        };
        let who = Requester::new(&call.identity);
        let request = Request::new(who, &check.action, &check.resource, context);
        match denial(&request, evaluate(&applied, &request).verdict) {
            None => Decision::Allowed,
            Some(message) => Decision::Denied { message },
        }
    }
}

impl Authorizer for Policies {
    fn authorize<'a>(
        &'a self,
        call: &'a Call,
        check: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>> {
        Box::pin(async move { Ok(self.decide(call, check)) })
    }
}
