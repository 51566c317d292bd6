//! The way of a request, one step a file: route, authenticate, parse (in [`aws::protocol`]),
//! authorize, serve, print.
//!
//! Every answer carries a request id, and every request writes one log line with it.

pub mod authenticate;
pub mod authorize;
pub mod body;
pub mod counts;
pub mod health;
pub mod not_served;
pub mod refused;
pub mod route;
mod s3;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use ::s3::address::Address;
use aws::sigv4::{self, ServiceKind};
use aws::{
    Authorizer, Call, Clock, Credentials, Error, Identity, Model, Operation, Protocol, Random,
    Region, Service, Value, protocol,
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::admin::{Counts, Unsupported};
use crate::limits::{self, Waits};
use crate::listener::{Entrance, Peer};
use crate::log::RequestLine;
use authenticate::{Authenticator, Caller};
use body::Outgoing;
use counts::Counters;
use refused::Refused;
use route::Route;

/// Told of every verified request and its service's signing name.
pub type NoteUse = dyn Fn(&Call, &str) + Send + Sync;

/// What the front is made of.
pub struct Parties {
    pub services: Vec<Arc<dyn Service>>,
    pub s3: ::s3::S3,
    pub credentials: Arc<dyn Credentials>,
    pub authorizer: Arc<dyn Authorizer>,
    pub note_use: Box<NoteUse>,
    /// For requests that name none.
    pub region: Region,
    pub domain: String,
    pub clock: Arc<Clock>,
    /// The machine's, which nobody turns.
    pub wall: Arc<Clock>,
    pub random: Arc<Random>,
}

/// Answers requests.
pub struct Front {
    services: Vec<Arc<dyn Service>>,
    s3: ::s3::S3,
    s3_service: Arc<dyn Service>,
    authenticator: Authenticator,
    authorizer: Arc<dyn Authorizer>,
    note_use: Box<NoteUse>,
    region: Region,
    domain: String,
    clock: Arc<Clock>,
    random: Arc<Random>,
    counters: Counters,
    refused: Refused,
    waits: Waits,
}

/// How an answer is printed.
struct Form {
    protocol: Protocol,
    model: &'static Model,
}

/// What an operation that succeeded answers.
struct Answer {
    operation: &'static Operation,
    output: Value,
}

impl Front {
    pub fn new(parties: Parties) -> Self {
        let Parties { mut services, s3, credentials, authorizer, note_use, .. } = parties;
        let s3_service = ::s3::model::service(Arc::new(s3.clone()));
        services.push(s3_service.clone());
        let Parties { region, domain, clock, wall, random, .. } = parties;
        Self {
            services,
            s3,
            s3_service,
            authenticator: Authenticator::new(credentials, region.clone(), clock.clone(), wall),
            authorizer,
            note_use,
            region,
            domain,
            clock,
            random,
            counters: Counters::default(),
            refused: Refused::default(),
            waits: Waits::default(),
        }
    }

    /// Waits for clients as long as it is told instead.
    pub fn with_waits(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Answers whatever was asked. hyper adds the `Date`, by the machine's clock: SDKs correct
    /// their own by it, so it must not follow the region's dial.
    pub async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Response<Outgoing> {
        let websites = peer.entrance == Entrance::FrontDoor;
        if !websites && let Some(page) = self.health_page(&request) {
            return page;
        }
        let (parts, incoming) = request.into_parts();
        let claimed = route::claimed_service(&parts);
        if websites || self.is_for_s3(&parts, claimed.as_deref()) {
            drop(claimed);
            return self.answer_s3(parts, incoming, peer).await;
        }
        let request_id = self.random.uuid();
        let mut line = RequestLine::new(request_id.clone());
        let mut form = Form { protocol: Protocol::Query, model: route::Looks::Query.model() };
        let asked = Arrived { parts: &parts, claimed: claimed.as_deref(), incoming, peer };
        let answered = self.operate(asked, &mut form, &mut line);
        // A panic is a fault of ours like any other: it is answered and logged with the id.
        let answered = AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<String>().cloned();
            let what = what.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(Error::internal(format!("panic: {}", what.unwrap_or_default())))
        });
        let response = match answered {
            Ok(Answer { operation, output }) => {
                form.protocol.answer(form.model, operation, output, &request_id)
            }
            Err(error) => {
                if error.status >= 500 {
                    tracing::error!(request_id, error = %chain(&error), "a request failed");
                }
                line.error_code.clone_from(&error.code);
                form.protocol.refuse(form.model, &error, &request_id, &parts.method)
            }
        };
        line.status = response.status().as_u16();
        self.counters.count(response.status());
        response.map(Outgoing::from)
    }

    /// Not where such a path is an object of a bucket that the host names, or is signed for.
    fn health_page(&self, request: &Request<Incoming>) -> Option<Response<Outgoing>> {
        let page = health::page(request, self)?;
        let signed = request.headers().contains_key(header::AUTHORIZATION);
        let host = route::host_of(request.headers(), request.uri());
        let s3 = host.and_then(|host| Address::of_host(host, &self.domain));
        (!signed && s3.is_none()).then_some(page)
    }

    async fn operate(
        &self,
        arrived: Arrived<'_>,
        form: &mut Form,
        line: &mut RequestLine,
    ) -> Result<Answer, Error> {
        let Arrived { parts, claimed, incoming, peer } = arrived;
        let route_by =
            |body: &[u8]| route::route(&self.services, &self.domain, parts, claimed, body);
        // A form says in its body what its head may not; S3's bodies may be large, and nothing
        // is done with them.
        let read = route::is_form(&parts.headers) || !route_by(b"").is_lacking_s3();
        let body = if read {
            let read = body::read(parts, incoming, &self.waits).await;
            Some(read.inspect_err(|_| *form = self.form(&route_by(b""), parts))?)
        } else {
            None
        };
        let bytes = body.clone().unwrap_or_default();
        let route = route_by(&bytes);
        *form = self.form(&route, parts);
        let action = route::action(parts, &bytes).map(str::to_owned);
        line.action = action.clone().unwrap_or_default().into();
        match route {
            Route::Served(service) => {
                line.service = service.model().signing_name.into();
                let asked = Asked { parts, body: bytes, peer };
                self.serve(service.as_ref(), asked, form, line).await
            }
            Route::NotServed { service, looks } => {
                line.service = service.clone().into();
                self.refuse_service(&service, looks, action.as_deref(), parts, body, line).await
            }
        }
    }

    fn form(&self, route: &Route, parts: &Parts) -> Form {
        match route {
            Route::Served(service) => {
                let model = service.model();
                Form { protocol: Protocol::choose(model, parts), model }
            }
            Route::NotServed { looks, .. } => {
                Form { protocol: looks.protocol(), model: looks.model() }
            }
        }
    }

    async fn refuse_service(
        &self,
        service: &str,
        looks: route::Looks,
        action: Option<&str>,
        parts: &Parts,
        body: Option<Bytes>,
        line: &mut RequestLine,
    ) -> Result<Answer, Error> {
        let request = sigv4::Request::from(parts);
        // S3 alone has anonymous requests.
        let anonymous = looks == route::Looks::S3 && matches!(sigv4::mechanism(&request), Ok(None));
        if !anonymous {
            let body = body.as_deref().map_or(sigv4::Body::Later, sigv4::Body::Whole);
            let verified = self.authenticator.authenticate(&request, body, service, looks.kind());
            line.caller(&verified.await?);
        }
        self.refused.count(service, action.unwrap_or_default());
        Err(not_served::refusal(service, action))
    }

    async fn serve(
        &self,
        service: &dyn Service,
        asked: Asked<'_>,
        form: &Form,
        line: &mut RequestLine,
    ) -> Result<Answer, Error> {
        let model = service.model();
        let Asked { parts, body, peer } = asked;
        // As AWS does, an operation that is none is refused before the signature is looked at.
        // What is compressed shows its operation only after it is verified and inflated.
        let find = |body: &Bytes| protocol::Request::find(model, parts, body.clone());
        let gzip = body::is_gzip(&parts.headers);
        let early = if gzip { None } else { Some(find(&body)) };
        let not_served = |action: &str| model.is_not_served(action);
        let early = match early {
            Some(Err(error)) if !not_served(&line.action) => return Err(error),
            early => early,
        };
        let kind = not_served::kind(form.protocol);
        let caller = self.authenticate(parts, &body, model.signing_name, kind, line).await?;
        let call = self.call(caller, parts, peer, &line.request_id);
        (self.note_use)(&call, model.signing_name);
        let found = match early {
            Some(found) => found,
            None => find(&body::inflate(&body)?),
        };
        let request = found.inspect_err(|_| {
            if not_served(&line.action) {
                self.refused.count(model.signing_name, &line.action);
            }
        })?;
        line.action = request.operation.name.into();
        let input = request.input()?;
        let checks = service.checks(&call, &input).await?;
        line.decision = "denied";
        authorize::authorize(self.authorizer.as_ref(), &call, &checks, form.protocol).await?;
        line.decision = "allowed";
        let served = timeout(limits::OPERATION_MAX, service.serve(&call, input)).await;
        let output =
            served.map_err(|_| Error::unavailable("the operation did not end in time"))??;
        Ok(Answer { operation: request.operation, output })
    }

    async fn authenticate(
        &self,
        parts: &Parts,
        body: &Bytes,
        service: &str,
        kind: ServiceKind,
        line: &mut RequestLine,
    ) -> Result<Caller, Error> {
        let request = sigv4::Request::from(parts);
        let body = sigv4::Body::Whole(body);
        let caller = self.authenticator.authenticate(&request, body, service, kind).await?;
        line.caller(&caller);
        Ok(caller)
    }

    fn call(&self, caller: Caller, parts: &Parts, peer: Peer, request_id: &str) -> Call {
        let Caller { identity, region } = caller;
        Call {
            request_id: request_id.into(),
            identity,
            region,
            at: self.clock.now(),
            source_ip: Some(peer.address.ip().to_canonical()),
            user_agent: text(&parts.headers, &header::USER_AGENT),
            referer: text(&parts.headers, &header::REFERER),
            host: route::full_host(parts).map(str::to_owned),
            signature: None,
            secure_transport: peer.tls,
            via: None,
        }
    }

    /// Signing names of the services that are served.
    pub fn services(&self) -> Vec<String> {
        self.services.iter().map(|service| service.model().signing_name.to_owned()).collect()
    }

    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    pub fn unsupported(&self) -> Vec<Unsupported> {
        self.refused.list()
    }
}

/// A request whose service is not known yet.
struct Arrived<'a> {
    parts: &'a Parts,
    /// What [`route::claimed_service`] says.
    claimed: Option<&'a str>,
    incoming: Incoming,
    peer: Peer,
}

/// A request for a service that is served.
struct Asked<'a> {
    parts: &'a Parts,
    body: Bytes,
    peer: Peer,
}

impl RequestLine {
    fn caller(&mut self, caller: &Caller) {
        let Identity { account, access_key_id, .. } = &caller.identity;
        self.account = account.as_ref().map(ToString::to_string);
        self.principal = caller.identity.arn();
        self.access_key_id.clone_from(access_key_id);
        self.region = Some(caller.region.to_string());
    }
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// An error with all its sources, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
