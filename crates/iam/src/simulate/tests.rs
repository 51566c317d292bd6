use super::*;
use crate::authorizer::tests::{World, allow};
use crate::{attachment, group, inline_policy};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).into()).collect()
}

/// Action, resource, decision and the policies that made it, for each result.
fn told(answer: &model::SimulatePolicyResponse) -> Vec<String> {
    let results = answer.evaluation_results.iter().flatten();
    results
        .map(|result| {
            let statements = result.matched_statements.iter().flatten();
            let sources: Vec<_> =
                statements.filter_map(|s| s.source_policy_id.as_deref()).collect();
            let on = result.eval_resource_name.as_deref().unwrap_or_default();
            let (action, decision) = (&result.eval_action_name, &result.eval_decision);
            format!("{action} {on} {decision} {}", sources.join(",")).trim_end().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn custom_policies_are_judged_by_themselves() {
    let world = World::new();
    let statement = r#"{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":
        {"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}"#;
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
    let ask = |entries| model::SimulateCustomPolicyRequest {
        policy_input_list: vec![policy.clone(), allow("s3:Get*")],
        action_names: names(&["dynamodb:CreateBackup", "s3:GetObject"]),
        context_entries: entries,
        ..Default::default()
    };
    let answer = custom_policy(&world.iam, &world.root, ask(None)).await.expect("an answer");
    let expected =
        ["dynamodb:CreateBackup * implicitDeny", "s3:GetObject * allowed PolicyInputList.2"];
    assert_eq!(told(&answer), expected);
    let results = answer.evaluation_results.expect("results");
    assert_eq!(results[0].missing_context_values, Some(names(&["aws:CurrentTime"])));

    let entry = model::ContextEntry {
        context_key_name: Some("AWS:currenttime".into()),
        context_key_values: Some(names(&["2019-04-25T11:00:00Z"])),
        context_key_type: Some("date".into()),
    };
    let answer =
        custom_policy(&world.iam, &world.root, ask(Some(vec![entry]))).await.expect("an answer");
    assert_eq!(told(&answer)[0], "dynamodb:CreateBackup * allowed PolicyInputList.1");
    let results = answer.evaluation_results.expect("results");
    assert_eq!(results[0].missing_context_values, Some(Vec::new()));
    let statement = &results[0].matched_statements.as_ref().expect("statements")[0];
    assert_eq!(statement.source_policy_type.as_deref(), Some("IAM Policy"));
    let start = statement.start_position.as_ref().expect("a position");
    assert_eq!((start.line, start.column), (Some(1), Some(38)));
}

#[tokio::test]
async fn a_principal_brings_its_policies_boundary_and_keys() {
    let world = World::new();
    world.user("bob").await;
    let own = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
        "Resource":"arn:aws:s3:::b/${aws:username}/*"}}"#;
    world.put_inline("bob", own).await;
    let create = model::CreateGroupRequest { group_name: "g".into(), ..Default::default() };
    group::create(&world.iam, &world.root, create).await.expect("a group");
    let add = model::AddUserToGroupRequest { group_name: "g".into(), user_name: "bob".into() };
    group::add_user(&world.iam, &world.root, add).await.expect("a member");
    let put = model::PutGroupPolicyRequest {
        group_name: "g".into(),
        policy_name: "q".into(),
        policy_document: allow("ec2:*"),
    };
    inline_policy::put_group(&world.iam, &world.root, put).await.expect("a policy");
    let arn = world.managed("m", &allow("sqs:*")).await;
    let attach = model::AttachUserPolicyRequest { user_name: "bob".into(), policy_arn: arn };
    attachment::attach_user(&world.iam, &world.root, attach).await.expect("attached");

    let ask = |source: &str| model::SimulatePrincipalPolicyRequest {
        policy_source_arn: format!("arn:aws:iam::111122223333:{source}"),
        action_names: names(&["s3:GetObject", "ec2:RunInstances", "sqs:SendMessage"]),
        resource_arns: Some(names(&["arn:aws:s3:::b/bob/x"])),
        ..Default::default()
    };
    let answer =
        principal_policy(&world.iam, &world.root, ask("user/bob")).await.expect("an answer");
    let on = "arn:aws:s3:::b/bob/x";
    let expected = [
        format!("s3:GetObject {on} allowed user_bob_p"),
        format!("ec2:RunInstances {on} allowed group_g_q"),
        format!("sqs:SendMessage {on} allowed m"),
    ];
    assert_eq!(told(&answer), expected);
    let of_group =
        principal_policy(&world.iam, &world.root, ask("group/g")).await.expect("an answer");
    assert_eq!(told(&of_group)[0], format!("s3:GetObject {on} implicitDeny"));
    assert_eq!(told(&of_group)[1], format!("ec2:RunInstances {on} allowed group_g_q"));

    let bounded = model::SimulatePrincipalPolicyRequest {
        permissions_boundary_policy_input_list: Some(vec![allow("s3:*")]),
        ..ask("user/bob")
    };
    let answer = principal_policy(&world.iam, &world.root, bounded).await.expect("an answer");
    assert_eq!(told(&answer)[0], expected[0]);
    assert_eq!(told(&answer)[1], format!("ec2:RunInstances {on} implicitDeny"));
    let results = answer.evaluation_results.expect("results");
    let within = |at: usize| {
        let detail: &Option<model::PermissionsBoundaryDecisionDetail> =
            &results[at].permissions_boundary_decision_detail;
        detail.as_ref().and_then(|detail| detail.allowed_by_permissions_boundary)
    };
    assert_eq!((within(0), within(1)), (Some(true), Some(false)));
}

#[tokio::test]
async fn resource_policies_across_accounts_are_detailed() {
    let world = World::new();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*",
        "Action":"s3:*","Resource":"*"}}"#;
    let ask = model::SimulateCustomPolicyRequest {
        policy_input_list: vec![allow("s3:*")],
        action_names: names(&["s3:GetObject"]),
        resource_policy: Some(policy.into()),
        resource_owner: Some("arn:aws:iam::444455556666:root".into()),
        caller_arn: Some("arn:aws:iam::111122223333:user/bob".into()),
        ..Default::default()
    };
    let answer = custom_policy(&world.iam, &world.root, ask.clone()).await.expect("an answer");
    assert_eq!(told(&answer), ["s3:GetObject * explicitDeny ResourcePolicy"]);
    let results = answer.evaluation_results.expect("results");
    let details = results[0].eval_decision_details.as_ref().expect("details");
    let expected = [("IAM Policy", "allowed"), ("Resource Policy", "explicitDeny")];
    assert!(details.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected));

    let nobody = model::SimulateCustomPolicyRequest { caller_arn: None, ..ask.clone() };
    assert!(custom_policy(&world.iam, &world.root, nobody).await.is_err());
    let a_role = "arn:aws:iam::111122223333:role/r";
    let a_role = model::SimulateCustomPolicyRequest { caller_arn: Some(a_role.into()), ..ask };
    assert!(custom_policy(&world.iam, &world.root, a_role).await.is_err());
}

#[tokio::test]
async fn pages_and_bad_input() {
    let world = World::new();
    let ask = |marker, max| model::SimulateCustomPolicyRequest {
        policy_input_list: vec![allow("s3:*")],
        action_names: names(&["s3:A", "ec2:B", "s3:C"]),
        max_items: Some(max),
        marker,
        ..Default::default()
    };
    let first = custom_policy(&world.iam, &world.root, ask(None, 2)).await.expect("a page");
    assert_eq!((first.is_truncated, told(&first).len()), (Some(true), 2));
    let second =
        custom_policy(&world.iam, &world.root, ask(first.marker, 2)).await.expect("a page");
    assert_eq!(told(&second), ["s3:C * allowed PolicyInputList.1"]);

    for (policy, action) in [("{", "s3:A".to_owned()), (&allow("*")[..], "NoVendor".into())] {
        let ask = model::SimulateCustomPolicyRequest {
            policy_input_list: vec![policy.into()],
            action_names: vec![action],
            ..Default::default()
        };
        let refusal = custom_policy(&world.iam, &world.root, ask).await.expect_err("refused");
        assert!(matches!(refusal, Error::InvalidInput(_)), "{refusal}");
    }
    let source = |arn: &str| model::SimulatePrincipalPolicyRequest {
        policy_source_arn: arn.into(),
        action_names: names(&["s3:A"]),
        ..Default::default()
    };
    let missing = source("arn:aws:iam::111122223333:user/none");
    let refusal = principal_policy(&world.iam, &world.root, missing).await.expect_err("refused");
    assert!(matches!(refusal, Error::NoSuchEntity(_)), "{refusal}");
    let unclear = source("arn:aws:iam::111122223333:policy/p");
    let refusal = principal_policy(&world.iam, &world.root, unclear).await.expect_err("refused");
    assert!(matches!(refusal, Error::InvalidInput(_)), "{refusal}");
}

#[tokio::test]
async fn context_keys_are_listed_once() {
    let world = World::new();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
        "Resource":"arn:aws:s3:::b/${aws:username}",
        "Condition":{"StringLike":{"s3:prefix":"${AWS:UserName}/*"}}}}"#;
    let input = model::GetContextKeysForCustomPolicyRequest {
        policy_input_list: vec![policy.into(), policy.into()],
    };
    let answer = context_keys_for_custom_policy(&world.iam, &world.root, input).await;
    let keys = answer.expect("an answer").context_key_names;
    assert_eq!(keys, Some(names(&["aws:username", "s3:prefix"])));

    world.user("bob").await;
    world.put_inline("bob", policy).await;
    let input = model::GetContextKeysForPrincipalPolicyRequest {
        policy_source_arn: "arn:aws:iam::111122223333:user/bob".into(),
        policy_input_list: None,
    };
    let answer = context_keys_for_principal_policy(&world.iam, &world.root, input).await;
    let keys = answer.expect("an answer").context_key_names;
    assert_eq!(keys, Some(names(&["aws:username", "s3:prefix"])));
}
