use std::sync::Mutex;

use super::*;
use crate::schema::{Pattern, Schema};
use crate::service::{self, Input as Parsed, UriTemplate};
use crate::{
    BoxFuture, Check, Mismatch, Model, Operation, Principal, Protocol, Region, Timestamp, Value,
};

static NAME: Schema = Schema::string("name").pattern({
    static P: Pattern = Pattern::new("[a-z]+");
    &P
});

// The callee's shapes, and the caller's own of the same model.
crate::structure! { GreetRequest [read] structure [] [] { name "Name": String = NAME [.required()]; } }
crate::structure! { GreetResponse [write] structure [] [] { text "Text": Option<String> = crate::schema::STRING []; } }
#[allow(dead_code, reason = "a written structure's schema is only its reader's business")]
mod called {
    use super::NAME;
    crate::structure! { GreetRequest [write] structure [] [] { name "Name": String = NAME [.required()]; } }
    crate::structure! { GreetResponse [read] structure [] [] { text "Text": Option<String> = crate::schema::STRING []; } }
}

impl Ask for called::GreetRequest {
    const SERVICE: &'static str = "greeter";
    const OPERATION: &'static str = "Greet";
    type Answer = called::GreetResponse;
}

static MODEL: Model = Model {
    signing_name: "greeter",
    service_id: "Greeter",
    api_version: "2026-11-22",
    xml_namespace: "",
    target_prefix: "",
    protocols: &[Protocol::Query],
    query_compatible: false,
    operations: &[Operation {
        name: "Greet",
        http_method: "POST",
        http_uri: UriTemplate::new("/"),
        http_status: 200,
        input: &GreetRequest,
        output: Some(&GreetResponse),
        result_wrapper: "",
        input_root: "",
        input_namespace: None,
        output_root: "",
        parse: |value: Value| -> Result<Parsed, Mismatch> { service::parse(value, Input::Greet) },
    }],
    not_served: &[],
    errors: &[],
};

enum Input {
    Greet(GreetRequest),
}

/// Greets, and remembers for whom.
#[derive(Default)]
struct Greeter(Mutex<Vec<String>>);

impl Service for Greeter {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    fn checks<'a>(
        &'a self,
        _: &'a Call,
        input: &'a Parsed,
    ) -> BoxFuture<'a, Result<Vec<Check>, Error>> {
        Box::pin(async move {
            let Input::Greet(input) = input.get()?;
            Ok(vec![Check::new("greeter:Greet", input.name.clone())])
        })
    }

    fn serve<'a>(&'a self, call: &'a Call, input: Parsed) -> BoxFuture<'a, Result<Value, Error>> {
        Box::pin(async move {
            let Input::Greet(input) = input.take()?;
            let via = call.via.unwrap_or("nobody");
            self.0.lock().expect("unpoisoned").push(format!("{} via {via}", input.name));
            service::answer(Ok(GreetResponse { text: Some(format!("hello {}", input.name)) }))
        })
    }
}

/// Lets only root ask, and nobody about `secret`.
struct Engine;

impl Authorizer for Engine {
    fn authorize<'a>(
        &'a self,
        call: &'a Call,
        check: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>> {
        Box::pin(async move {
            let allowed = call.identity.principal == Principal::Root && check.resource != "secret";
            Ok(if allowed {
                Decision::Allowed
            } else {
                Decision::Denied { message: format!("no {}", check.action) }
            })
        })
    }
}

fn call() -> Call {
    Call {
        request_id: "r".into(),
        identity: Identity::root("123456789012".parse().expect("valid")),
        region: "ap-northeast-2".parse::<Region>().expect("valid"),
        at: Timestamp::from_secs(0),
        source_ip: Some([127, 0, 0, 1].into()),
        user_agent: None,
        referer: None,
        host: None,
        signature: None,
        secure_transport: false,
        via: None,
    }
}

async fn check(caller: &Caller, call: &Call, name: &str, expected: Result<&str, &str>) {
    let asked = caller.ask(call, called::GreetRequest { name: name.into() }).await;
    let answer = asked.map(|answer| answer.text.unwrap_or_default());
    let answer = answer.map_err(|error| error.to_string());
    assert_eq!(answer.as_deref().map_err(String::as_str), expected, "{name}");
}

#[tokio::test]
async fn a_call_is_validated_authorized_and_served_as_one_from_outside() {
    let greeter = Arc::new(Greeter::default());
    let caller = Caller::new(Arc::new(Engine));
    caller.join(&[greeter.clone() as Arc<dyn Service>]);
    let forwarded = call().forwarded("ec2.amazonaws.com");
    assert_eq!(forwarded.source_ip, None);
    check(&caller, &forwarded, "jane", Ok("hello jane")).await;
    check(&caller, &forwarded, "secret", Err("AccessDenied: no greeter:Greet")).await;
    check(
        &caller,
        &forwarded,
        "Jane",
        Err("ValidationError: 1 validation error detected: Value 'Jane' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"),
    )
    .await;
    let nobody = call().under(Identity::anonymous());
    check(&caller, &nobody, "jane", Err("AccessDenied: no greeter:Greet")).await;
    assert_eq!(*greeter.0.lock().expect("unpoisoned"), ["jane via ec2.amazonaws.com"]);
}

#[tokio::test]
async fn a_service_that_has_gone_is_our_fault_and_not_the_user_s() {
    let caller = Caller::new(Arc::new(Engine));
    let greeter: Arc<dyn Service> = Arc::new(Greeter::default());
    caller.join(&[greeter]);
    let asked = caller.ask(&call(), called::GreetRequest { name: "jane".into() }).await;
    assert_eq!(asked.expect_err("gone").status, 500);
}
