//! A region in memory, with seeded randomness and a clock that stands still.

use std::sync::Arc;

use aws::protocol::Request;
use aws::{
    AccountId, Authorizer as _, Call, Check, Credentials as _, Decision, Error, Identity, Protocol,
    Random, Service, Timestamp,
};
use bytes::Bytes;
use http::request::Parts;
use state::{Memory, Records};

use crate::accounts::NewAccount;
use crate::sts::Seal;
use crate::{Accounts, Authorizer, Iam, Keyring, Sts};

pub(super) const AT: Timestamp = Timestamp::from_secs(1_795_344_053);
pub(super) const ACCOUNT: &str = "123456789012";
/// A trust policy that one service may use.
pub(super) const EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
pub(super) const READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

pub(super) struct Region {
    pub iam: Iam,
    pub accounts: Accounts,
    pub keyring: Keyring,
    authorizer: Authorizer,
    pub records: Records,
    services: [Arc<dyn Service>; 2],
    root: Call,
}

/// The members of an answer as XML, or `STATUS CODE MESSAGE`.
pub(super) type Answer = Result<String, String>;

impl Region {
    pub(super) async fn new() -> Self {
        Self::on(Records::new(Arc::new(Memory::new())), 1).await
    }

    /// Another process of the same region, when the records are shared.
    pub(super) async fn on(records: Records, seed: u64) -> Self {
        let random = Arc::new(Random::seeded(seed));
        let iam = Iam::new(records.clone(), random.clone());
        let seal = Arc::new(Seal::open(&records, &random).await.expect("opened"));
        let accounts = Accounts::new(records.clone(), random);
        let region = Self {
            keyring: Keyring::new(iam.clone(), seal.clone()),
            authorizer: Authorizer::new(iam.clone()),
            services: [
                crate::model::service(Arc::new(iam.clone())),
                crate::sts::model::service(Arc::new(Sts::new(iam.clone(), seal))),
            ],
            root: call(Identity::root(ACCOUNT.parse().expect("valid"))),
            iam,
            accounts,
            records,
        };
        if region.accounts.get(&account(ACCOUNT)).await.expect("read").is_none() {
            region.add_account(ACCOUNT).await;
        }
        region
    }

    /// The root user's access key.
    pub(super) async fn add_account(&self, id: &str) -> (String, String) {
        let (name, email) = ("an account".into(), "root@example.com".into());
        let new = NewAccount { id: Some(account(id)), name, email };
        let (_, key) = self.accounts.create(new, AT).await.expect("created");
        (key.access_key_id, key.secret_access_key)
    }

    pub(super) fn root(&self) -> &Call {
        &self.root
    }

    /// Sends `Operation Member=value …` as the root user. Values hold no spaces.
    pub(super) async fn ask(&self, request: &str) -> Answer {
        self.ask_as(&self.root, request).await
    }

    pub(super) async fn ask_as(&self, call: &Call, request: &str) -> Answer {
        let (status, body) = self.send(call, &self.form(request)).await;
        if status == 200 { Ok(members(&body)) } else { Err(refusal(status, &body)) }
    }

    /// The same, and it must succeed.
    pub(super) async fn must(&self, request: &str) -> String {
        self.ask(request).await.unwrap_or_else(|refusal| panic!("{request}: {refusal}"))
    }

    pub(super) async fn check(&self, request: &str, expected: Result<&str, &str>) {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(self.ask(request).await, expected, "{request}");
    }

    /// The body of a request in, status and body of its answer out.
    pub(super) async fn send(&self, call: &Call, body: &str) -> (u16, String) {
        let parts = parts();
        let service = self.service(body);
        let answered = async {
            let request = Request::find(service.model(), &parts, Bytes::from(body.to_owned()))?;
            let input = request.input()?;
            for check in service.checks(call, &input).await? {
                if let Decision::Denied { message } =
                    self.authorizer.authorize(call, &check).await?
                {
                    return Err(Error::access_denied(message));
                }
            }
            Ok((request.operation, service.serve(call, input).await?))
        };
        let model = service.model();
        let response = match answered.await {
            Ok((operation, output)) => Protocol::Query.answer(model, operation, output, "ID"),
            Err(error) => refuse(model, &error),
        };
        let status = response.status().as_u16();
        let aws::Body::Bytes(bytes) = response.into_body() else { panic!("a body in memory") };
        (status, String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// What would be asked of the authorizer.
    pub(super) async fn checks(&self, call: &Call, request: &str) -> Result<Vec<Check>, Error> {
        let (parts, body) = (parts(), self.form(request));
        let service = self.service(&body);
        let request = Request::find(service.model(), &parts, Bytes::from(body))?;
        service.checks(call, &request.input()?).await
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = &'static str> {
        let models = self.services.iter().map(|service| service.model());
        models.flat_map(|model| model.operations.iter().map(|operation| operation.name))
    }

    fn form(&self, request: &str) -> String {
        let mut words = request.split(' ');
        let mut body = format!("Action={}", words.next().unwrap_or_default());
        body.push_str(&format!("&Version={}", self.service(&body).model().api_version));
        for word in words {
            let (name, value) = word.split_once('=').expect("member=value");
            body.push_str(&format!("&{name}={}", crate::document::encode(value)));
        }
        body
    }

    fn service(&self, body: &str) -> &Arc<dyn Service> {
        let operation = body.split(['=', '&']).nth(1).unwrap_or_default();
        let has = |service: &&Arc<dyn Service>| service.model().operation(operation).is_some();
        self.services.iter().find(has).unwrap_or(&self.services[0])
    }

    /// A call signed with these credentials, as the front makes it.
    pub(super) async fn signed(&self, key: &str, token: Option<&str>) -> Call {
        let found = self.keyring.find(key, token, AT).await;
        let found = found.unwrap_or_else(|error| panic!("{key}: {error}"));
        call(found.identity)
    }

    /// Makes a user who may do everything, and a call of theirs.
    pub(super) async fn user(&self, name: &str) -> Call {
        self.must(&format!("CreateUser UserName={name}")).await;
        let all = "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess";
        self.must(&format!("AttachUserPolicy UserName={name} {all}")).await;
        let key = self.must(&format!("CreateAccessKey UserName={name}")).await;
        self.signed(text(&key, "AccessKeyId"), None).await
    }
}

pub(super) fn account(id: &str) -> AccountId {
    id.parse().expect("valid")
}

pub(super) fn call(identity: Identity) -> Call {
    Call {
        request_id: "ID".into(),
        identity,
        region: "us-east-1".parse().expect("valid"),
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

/// The text of an element in an answer.
pub(super) fn text<'a>(answer: &'a str, element: &str) -> &'a str {
    let open = format!("<{element}>");
    let start = answer.find(&open).unwrap_or_else(|| panic!("{element} in {answer}")) + open.len();
    let rest = &answer[start..];
    &rest[..rest.find("</").expect("closed")]
}

pub(super) fn texts(answer: &str, element: &str) -> Vec<String> {
    let open = format!("<{element}>");
    let parts = answer.split(open.as_str()).skip(1);
    parts.map(|rest| rest[..rest.find("</").expect("closed")].to_owned()).collect()
}

fn parts() -> Parts {
    http::Request::post("/").body(()).expect("valid").into_parts().0
}

fn refuse(model: &aws::Model, error: &Error) -> http::Response<aws::Body> {
    assert!(error.status < 500, "{error}: {:?}", error.source);
    Protocol::Query.refuse(model, error, "ID", &http::Method::POST)
}

/// What stands in the result element, or nothing.
fn members(body: &str) -> String {
    let Some((_, rest)) = body.split_once("Result>") else { return String::new() };
    let end = rest.find("Result>").map_or(0, |end| rest[..end].rfind("</").expect("closing"));
    rest[..end].to_owned()
}

fn refusal(status: u16, body: &str) -> String {
    let plain = |text: &str| {
        text.replace("&apos;", "'")
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
    };
    format!("{status} {} {}", text(body, "Code"), plain(text(body, "Message")))
}
