use super::region::{EC2, READ, Region, text, texts};

fn trusting(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

/// The trust policy as GetRole shows it, decoded.
async fn shown(region: &Region, role: &str) -> String {
    let answer = region.must(&format!("GetRole RoleName={role}")).await;
    let encoded = text(&answer, "AssumeRolePolicyDocument");
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex = [rest.next(), rest.next()].map(|b| b.expect("two digits"));
                u8::from_str_radix(std::str::from_utf8(&hex).expect("hex"), 16).expect("hex")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_role_is_created_changed_and_deleted() {
    let region = Region::new().await;
    let create = format!("CreateRole RoleName=Web Path=/a/ AssumeRolePolicyDocument={EC2}");
    region.must(&create).await;
    let taken = "409 EntityAlreadyExists Role with name Web already exists.";
    region.check(&create, Err(taken)).await;
    assert_eq!(shown(&region, "web").await, EC2);
    region.must("UpdateRole RoleName=web Description=d MaxSessionDuration=7200").await;
    region.must("UpdateRole RoleName=web").await;
    let role = region.must("GetRole RoleName=web").await;
    assert_eq!((text(&role, "Description"), text(&role, "MaxSessionDuration")), ("d", "7200"));
    for secs in [3599, 43_201] {
        let refusal =
            region.ask(&format!("UpdateRole RoleName=web MaxSessionDuration={secs}")).await;
        assert!(refusal.expect_err("out of range").starts_with("400 ValidationError"));
    }
    region.must("DeleteRole RoleName=web").await;
    let missing = "404 NoSuchEntity The role with name web cannot be found.";
    region.check("DeleteRole RoleName=web", Err(missing)).await;
}

#[tokio::test]
async fn a_role_in_use_is_not_deleted() {
    let region = Region::new().await;
    region.must(&format!("CreateRole RoleName=web AssumeRolePolicyDocument={EC2}")).await;
    region.must("CreateInstanceProfile InstanceProfileName=p").await;
    region.must("AddRoleToInstanceProfile InstanceProfileName=p RoleName=web").await;
    region.must(&format!("PutRolePolicy RoleName=web PolicyName=p PolicyDocument={READ}")).await;
    let conflict =
        |what: &str| format!("409 DeleteConflict Cannot delete entity, must {what} first.");
    region.check("DeleteRole RoleName=web", Err(&conflict("delete policies"))).await;
    region.must("DeleteRolePolicy RoleName=web PolicyName=p").await;
    let held = conflict("remove roles from instance profile");
    region.check("DeleteRole RoleName=web", Err(&held)).await;
    region.must("RemoveRoleFromInstanceProfile InstanceProfileName=p RoleName=web").await;
    region.must("DeleteRole RoleName=web").await;
}

#[tokio::test]
async fn malformed_trust_policies_are_refused() {
    let region = Region::new().await;
    region.must("CreateUser UserName=bob Path=/a/").await;
    let check = async |document: &str, message: &str| {
        let request = format!("CreateRole RoleName=r AssumeRolePolicyDocument={document}");
        region.check(&request, Err(&format!("400 MalformedPolicyDocument {message}"))).await;
    };
    check("{", "This policy contains invalid Json").await;
    let resource = EC2.replace(r#""Action""#, r#""Resource":"*","Action""#);
    check(&resource, "Has prohibited field Resource").await;
    let action = EC2.replace("sts:AssumeRole", "s3:GetObject");
    check(&action, "AssumeRole policy may only specify STS AssumeRole actions.").await;
    for missing in [
        "arn:aws:iam::123456789012:user/eve",
        "arn:aws:iam::123456789012:user/bob",
        "arn:aws:iam::123456789012:role/none",
        "AIDAAAAAAAAAAAAAAAAAA",
    ] {
        let message = format!(r#"Invalid principal in policy: "AWS":"{missing}""#);
        check(&trusting(missing), &message).await;
    }
    let long = EC2.replace("}]}", &format!(r#","Sid":"{}"}}]}}"#, "a".repeat(2048)));
    let limit = "409 LimitExceeded Cannot exceed quota for ACLSizePerRole: 2048";
    region
        .check(&format!("CreateRole RoleName=r AssumeRolePolicyDocument={long}"), Err(limit))
        .await;
    // An account that this region does not have cannot be looked into.
    for fine in ["arn:aws:iam::999999999999:user/x", "123456789012", "*"] {
        let request = format!("AssumeRolePolicyDocument={}", trusting(fine));
        region.must(&format!("CreateRole RoleName=r{} {request}", fine.len())).await;
    }
}

#[tokio::test]
async fn trust_follows_the_user_and_not_the_name() {
    let region = Region::new().await;
    let bob = region.must("CreateUser UserName=bob").await;
    let document = trusting(text(&bob, "Arn"));
    region.must(&format!("CreateRole RoleName=r AssumeRolePolicyDocument={document}")).await;
    assert_eq!(shown(&region, "r").await, document);
    region.must("UpdateUser UserName=bob NewUserName=robert").await;
    let renamed = "arn:aws:iam::123456789012:user/robert";
    assert!(shown(&region, "r").await.contains(renamed));
    region.must("DeleteUser UserName=robert").await;
    assert!(shown(&region, "r").await.contains(text(&bob, "UserId")));
    region.must("CreateUser UserName=bob").await;
    assert!(shown(&region, "r").await.contains(text(&bob, "UserId")));
}

#[tokio::test]
async fn a_service_s_role_is_changed_by_nobody() {
    let region = Region::new().await;
    let service = "AWSServiceName=elasticloadbalancing.amazonaws.com";
    let made = region.must(&format!("CreateServiceLinkedRole {service}")).await;
    let name = "AWSServiceRoleForElasticLoadBalancing";
    assert_eq!(text(&made, "RoleName"), name);
    let path = "/aws-service-role/elasticloadbalancing.amazonaws.com/";
    assert_eq!(text(&made, "Path"), path);
    let taken = format!(
        "400 InvalidInput Service role name {name} has been taken in this account, please try a different suffix."
    );
    region.check(&format!("CreateServiceLinkedRole {service}"), Err(&taken)).await;
    let suffix =
        "400 InvalidInput Custom suffix is not allowed for elasticloadbalancing.amazonaws.com";
    region.check(&format!("CreateServiceLinkedRole {service} CustomSuffix=x"), Err(suffix)).await;
    let refusal = format!(
        "400 UnmodifiableEntity Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    );
    for request in [
        format!("DeleteRole RoleName={name}"),
        format!("UpdateRole RoleName={name} MaxSessionDuration=7200"),
        format!("UpdateAssumeRolePolicy RoleName={name} PolicyDocument={EC2}"),
        format!("PutRolePolicy RoleName={name} PolicyName=p PolicyDocument={READ}"),
        format!(
            "AttachRolePolicy RoleName={name} PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess"
        ),
    ] {
        region.check(&request, Err(&refusal)).await;
    }
    let policy =
        "arn:aws:iam::aws:policy/aws-service-role/AWSElasticLoadBalancingServiceRolePolicy";
    region.must(&format!("CreateRole RoleName=own AssumeRolePolicyDocument={EC2}")).await;
    let refusal = "400 PolicyNotAttachable Cannot attach a Service Role Policy to a Customer Role.";
    region.check(&format!("AttachRolePolicy RoleName=own PolicyArn={policy}"), Err(refusal)).await;
    let task = region.must(&format!("DeleteServiceLinkedRole RoleName={name}")).await;
    let task = text(&task, "DeletionTaskId");
    let status =
        region.must(&format!("GetServiceLinkedRoleDeletionStatus DeletionTaskId={task}")).await;
    assert_eq!(texts(&status, "Status"), ["SUCCEEDED"]);
    let missing = "404 NoSuchEntity Cannot find Service Linked Role template for x.amazonaws.com";
    region.check("CreateServiceLinkedRole AWSServiceName=x.amazonaws.com", Err(missing)).await;
}
