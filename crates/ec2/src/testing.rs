//! EC2 in memory on a fake host, spoken to in bytes, with seeded randomness.

use std::sync::Arc;

use aws::protocol::Request;
use aws::{
    Authorizer, Body, BoxFuture, Call, Caller, Check, Clock, Decision, Error, Identity, Protocol,
    Random, Service, Timestamp,
};
use bytes::Bytes;
use host::fake::FakeHost;
use state::reconcile::{Reconcilers, Running};
use state::{Memory, Records};

use crate::Ec2;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const AT: Timestamp = Timestamp::from_secs(1_795_344_053);

pub(crate) struct World {
    pub(crate) ec2: Ec2,
    pub(crate) host: Arc<FakeHost>,
    service: Arc<dyn Service>,
    call: Call,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Records::new(Arc::new(Memory::new())), Arc::new(FakeHost::default()), 1)
    }

    /// Another process of the same region, when records and host are shared.
    pub(crate) fn on(records: Records, host: Arc<FakeHost>, seed: u64) -> Self {
        let clock = Arc::new(Clock::manual(AT));
        tick(&clock);
        let random = Arc::new(Random::seeded(seed));
        let ec2 = Ec2::new(records, host.clone(), clock, random, caller());
        let service = crate::model::service(Arc::new(ec2.clone()));
        Self { ec2, host, service, call: call(ACCOUNT) }
    }

    /// Sends the members of a request, `Name=value&…`, as the account's root user; the answer's
    /// body.
    pub(crate) async fn serve(&self, operation: &str, members: &str) -> Result<String, Error> {
        self.serve_as(&self.call, operation, members).await
    }

    pub(crate) async fn serve_as(
        &self,
        call: &Call,
        operation: &str,
        members: &str,
    ) -> Result<String, Error> {
        let model = self.service.model();
        let version = model.api_version;
        let body = format!("Action={operation}&Version={version}&{members}");
        let (parts, ()) = http::Request::post("/").body(()).expect("valid").into_parts();
        let request = Request::find(model, &parts, Bytes::from(body))?;
        let input = request.input()?;
        assert!(!self.service.checks(call, &input).await?.is_empty(), "{operation} asks nobody");
        let output = self.service.serve(call, input).await?;
        let answer = Protocol::Ec2.answer(model, request.operation, output, "ID");
        let Body::Bytes(bytes) = answer.into_body() else { panic!("a body in memory") };
        Ok(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// The same, and it must succeed.
    pub(crate) async fn must(&self, operation: &str, members: &str) -> String {
        let served = self.serve(operation, members).await;
        served.unwrap_or_else(|error| panic!("{operation} {members}: {error} {:?}", error.source))
    }

    /// The reconcilers, on tokio's time: for tests that pause it.
    pub(crate) fn reconcile(&self) -> Running {
        let clock = self.ec2.inner.clock.clone();
        let set = Reconcilers::new(self.ec2.records().clone(), clock);
        crate::reconcilers::add(&self.ec2, set).start()
    }

    /// Asks until the answer has this in it, for some minutes of paused time.
    pub(crate) async fn until(&self, operation: &str, members: &str, has: &str) -> String {
        let mut answer = String::new();
        for _ in 0..5000 {
            answer = self.must(operation, members).await;
            if answer.contains(has) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{operation} {members} never had {has}: {answer}")
    }

    /// Status, code and message of a refusal, which must be the client's fault.
    pub(crate) async fn refused(&self, operation: &str, members: &str) -> (u16, String, String) {
        let error = match self.serve(operation, members).await {
            Ok(answer) => panic!("{operation} {members} was not refused: {answer}"),
            Err(error) => error,
        };
        assert!(error.status < 500, "{error}: {:?}", error.source);
        (error.status, error.code.into_owned(), error.message)
    }

    /// A refusal's code.
    pub(crate) async fn refusal(&self, operation: &str, members: &str) -> String {
        self.refused(operation, members).await.1
    }

    /// The text of an element of what an operation makes: its id.
    pub(crate) async fn made(&self, element: &str, operation: &str, members: &str) -> String {
        Self::text(&self.must(operation, members).await, element).to_owned()
    }

    pub(crate) async fn vpc(&self, block: &str) -> String {
        self.made("vpcId", "CreateVpc", &format!("CidrBlock={block}")).await
    }

    pub(crate) async fn subnet(&self, vpc: &str, block: &str) -> String {
        let members = format!("VpcId={vpc}&CidrBlock={block}&AvailabilityZone=ap-northeast-2a");
        self.made("subnetId", "CreateSubnet", &members).await
    }

    /// An internet gateway that is attached to the VPC.
    pub(crate) async fn gateway(&self, vpc: &str) -> String {
        let id = self.made("internetGatewayId", "CreateInternetGateway", "").await;
        let members = format!("InternetGatewayId={id}&VpcId={vpc}");
        self.must("AttachInternetGateway", &members).await;
        id
    }

    /// The text of the first such element.
    pub(crate) fn text<'a>(answer: &'a str, element: &str) -> &'a str {
        let open = format!("<{element}>");
        let start = answer.find(&open).unwrap_or_else(|| panic!("no {element} in {answer}"));
        let rest = &answer[start + open.len()..];
        &rest[..rest.find("</").expect("closed")]
    }

    /// The texts of all such elements.
    pub(crate) fn texts(answer: &str, element: &str) -> Vec<String> {
        let open = format!("<{element}>");
        let rests = answer.split(open.as_str()).skip(1);
        rests.map(|rest| rest[..rest.find("</").expect("closed")].to_owned()).collect()
    }
}

/// A clock that goes with tokio's time, which tests pause.
fn tick(clock: &Arc<Clock>) {
    const TICK: std::time::Duration = std::time::Duration::from_millis(100);
    let ticking = Arc::downgrade(clock);
    tokio::spawn(async move {
        while let Some(clock) = ticking.upgrade() {
            clock.advance(TICK);
            drop(clock);
            tokio::time::sleep(TICK).await;
        }
    });
}

/// Of a region without other services.
pub(crate) fn caller() -> Arc<Caller> {
    Arc::new(Caller::new(Arc::new(Everybody)))
}

/// Everybody may do everything.
struct Everybody;

impl Authorizer for Everybody {
    fn authorize<'a>(
        &'a self,
        _: &'a Call,
        _: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>> {
        Box::pin(async { Ok(Decision::Allowed) })
    }
}

/// As the root user of an account, in one region.
pub(crate) fn call(account: &str) -> Call {
    Call {
        request_id: "ID".into(),
        identity: Identity::root(account.parse().expect("valid")),
        region: "ap-northeast-2".parse().expect("valid"),
        at: AT,
        source_ip: None,
        user_agent: None,
        referer: None,
        host: None,
        signature: None,
        secure_transport: false,
        via: None,
    }
}
