//! Asking the policy engine without doing anything.
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws::{AccountId, Arn, Call, Identity, Principal};
use policy::{
    Applied, Context, Document, Effect, Kind, Layer, Matched, Named, Request, Requester, Verdict,
    evaluate,
};

use crate::authorizer::held::{Held, HeldPolicy};
use crate::error::{Error, Missing, Result};
use crate::page::Ask;
use crate::{Iam, model};

#[cfg(test)]
mod tests;

type Given = Vec<(String, Vec<String>)>;

/// What both operations ask, once they have their policies.
struct Question {
    policies: Vec<HeldPolicy>,
    boundary: Option<HeldPolicy>,
    resource: Option<HeldPolicy>,
    caller: Identity,
    owner: AccountId,
    context: Given,
    ask: Ask,
}

pub async fn custom_policy(
    iam: &Iam,
    call: &Call,
    input: model::SimulateCustomPolicyRequest,
) -> Result<model::SimulatePolicyResponse> {
    let account = call.account()?;
    if input.resource_policy.is_some() && input.caller_arn.is_none() {
        return Err(invalid("CallerArn must be specified with a ResourcePolicy."));
    }
    let caller = match &input.caller_arn {
        Some(arn) => caller(arn)?,
        // The policies are nobody's; a name that no policy can hold stands for their holder.
        None => identity(account, Entity::User, "/", "", String::new()),
    };
    let boundaries = input.permissions_boundary_policy_input_list;
    let question = Question {
        policies: input_list(&input.policy_input_list)?,
        boundary: boundary(boundaries.as_deref())?,
        resource: resource_policy(input.resource_policy.as_deref())?,
        owner: owner(input.resource_owner.as_deref(), &caller, account)?,
        caller,
        context: context(input.context_entries)?,
        ask: iam
            .ask(call, "iam:SimulateCustomPolicy", input.marker.as_deref(), input.max_items)
            .await?,
    };
    question.answer(&input.action_names, input.resource_arns)
}

pub async fn principal_policy(
    iam: &Iam,
    call: &Call,
    input: model::SimulatePrincipalPolicyRequest,
) -> Result<model::SimulatePolicyResponse> {
    let account = call.account()?;
    let (source, held) = source(iam, account, &input.policy_source_arn).await?;
    if input.resource_policy.is_some()
        && input.caller_arn.is_none()
        && !matches!(source.principal, Principal::User { .. })
    {
        return Err(invalid("CallerArn must be specified with a ResourcePolicy."));
    }
    let caller = input.caller_arn.as_deref().map_or(Ok(source), caller)?;
    let mut context = context(input.context_entries)?;
    add_principal_keys(&mut context, &caller, &held.tags);
    let given = boundary(input.permissions_boundary_policy_input_list.as_deref())?;
    let mut policies = held.identity;
    policies.extend(input_list(input.policy_input_list.as_deref().unwrap_or_default())?);
    let question = Question {
        policies,
        boundary: given.or(held.boundary),
        resource: resource_policy(input.resource_policy.as_deref())?,
        owner: owner(input.resource_owner.as_deref(), &caller, account)?,
        caller,
        context,
        ask: iam
            .ask(call, "iam:SimulatePrincipalPolicy", input.marker.as_deref(), input.max_items)
            .await?,
    };
    question.answer(&input.action_names, input.resource_arns)
}

/// The keys that policies look at and a simulation would have to be given.
pub async fn context_keys_for_custom_policy(
    _: &Iam,
    _: &Call,
    input: model::GetContextKeysForCustomPolicyRequest,
) -> Result<model::GetContextKeysForPolicyResponse> {
    Ok(context_keys(&input_list(&input.policy_input_list)?))
}

pub async fn context_keys_for_principal_policy(
    iam: &Iam,
    call: &Call,
    input: model::GetContextKeysForPrincipalPolicyRequest,
) -> Result<model::GetContextKeysForPolicyResponse> {
    let (_, held) = source(iam, call.account()?, &input.policy_source_arn).await?;
    let mut policies = held.identity;
    policies.extend(input_list(input.policy_input_list.as_deref().unwrap_or_default())?);
    Ok(context_keys(&policies))
}

fn context_keys(policies: &[HeldPolicy]) -> model::GetContextKeysForPolicyResponse {
    let names = keys_of(policies.iter()).into_iter().collect();
    model::GetContextKeysForPolicyResponse { context_key_names: Some(names) }
}

/// Every key once, whatever its case.
fn keys_of<'a>(policies: impl Iterator<Item = &'a HeldPolicy>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let keys = policies.flat_map(|policy| policy.document.context_keys());
    keys.filter(|key| seen.insert(key.to_lowercase())).collect()
}

impl Question {
    /// One result for each action on each resource, in the order asked.
    fn answer(
        &self,
        actions: &[String],
        resources: Option<Vec<String>>,
    ) -> Result<model::SimulatePolicyResponse> {
        let resources = resources.filter(|arns| !arns.is_empty());
        let resources = resources.unwrap_or_else(|| vec!["*".into()]);
        for action in actions {
            if !action.split_once(':').is_some_and(|(v, a)| !v.is_empty() && !a.is_empty()) {
                return Err(invalid(&format!("Invalid Action Name: {action}")));
            }
        }
        let pairs = actions.iter().flat_map(|action| resources.iter().map(move |r| (action, r)));
        let numbered = pairs.enumerate().map(|(number, pair)| (format!("{number:09}"), pair));
        let page = self.ask.cut(numbered);
        Ok(model::SimulatePolicyResponse {
            is_truncated: Some(page.is_truncated()),
            evaluation_results: Some(
                page.items.into_iter().map(|(action, on)| self.result(action, on)).collect(),
            ),
            marker: page.marker,
        })
    }

    fn result(&self, action: &str, resource: &str) -> model::EvaluationResult {
        let identity: Vec<Named<'_>> = self.policies.iter().map(HeldPolicy::named).collect();
        let resources: Vec<Named<'_>> = self.resource.iter().map(HeldPolicy::named).collect();
        let applied = Applied {
            identity: &identity,
            boundary: self.boundary.as_ref().map(HeldPolicy::named),
            session: &[],
            resource: &resources,
        };
        let context =
            Context { resource_account: Some(&self.owner), ..Context::of_values(&self.context) };
        let request = Request::new(Requester::new(&self.caller), action, resource, context);
        let outcome = evaluate(&applied, &request);
        let mut missing = keys_of(self.policies.iter().chain(&self.boundary).chain(&self.resource));
        missing.retain(|key| !context.has(key));
        model::EvaluationResult {
            eval_action_name: action.into(),
            eval_resource_name: Some(resource.into()),
            eval_decision: decision(outcome.verdict).into(),
            matched_statements: Some(statements(outcome.verdict, &outcome.matched)),
            missing_context_values: Some(missing),
            organizations_decision_detail: None,
            permissions_boundary_decision_detail: self.boundary.as_ref().map(|_| {
                let allowed = effect_of(&outcome.matched, Layer::Boundary) == Verdict::Allowed;
                model::PermissionsBoundaryDecisionDetail {
                    allowed_by_permissions_boundary: Some(allowed),
                }
            }),
            eval_decision_details: self.details(&outcome.matched),
            resource_specific_results: None,
        }
    }

    /// What each account's side says, when there are two.
    fn details(&self, matched: &[Matched<'_>]) -> Option<BTreeMap<String, String>> {
        let two = self.resource.is_some() && self.caller.account.as_ref() != Some(&self.owner);
        two.then(|| {
            [Layer::Identity, Layer::Resource]
                .map(|layer| {
                    (policy_type(layer).into(), decision(effect_of(matched, layer)).into())
                })
                .into()
        })
    }
}

fn decision(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::ExplicitDeny(_) => "explicitDeny",
        Verdict::ImplicitDeny(_) => "implicitDeny",
    }
}

/// What one layer says by itself.
fn effect_of(matched: &[Matched<'_>], layer: Layer) -> Verdict {
    let mut effects = matched.iter().filter(|m| m.layer == layer).map(|m| m.statement.effect());
    if effects.clone().any(|effect| effect == Effect::Deny) {
        Verdict::ExplicitDeny(layer)
    } else if effects.any(|effect| effect == Effect::Allow) {
        Verdict::Allowed
    } else {
        Verdict::ImplicitDeny(layer)
    }
}

/// The statements that made the decision. A boundary's Allow gives nothing, so it made none.
fn statements(verdict: Verdict, matched: &[Matched<'_>]) -> Vec<model::Statement> {
    let decisive = |m: &&Matched<'_>| match verdict {
        Verdict::Allowed => m.statement.effect() == Effect::Allow && m.layer != Layer::Boundary,
        Verdict::ExplicitDeny(_) => m.statement.effect() == Effect::Deny,
        Verdict::ImplicitDeny(_) => false,
    };
    let position = |at: policy::Position| {
        Some(model::Position { line: Some(at.line), column: Some(at.column) })
    };
    let shape = |m: &Matched<'_>| model::Statement {
        source_policy_id: Some(m.policy.name.into()),
        source_policy_type: Some(policy_type(m.layer).into()),
        start_position: position(m.statement.span().start),
        end_position: position(m.statement.span().end),
    };
    matched.iter().filter(decisive).map(shape).collect()
}

/// The service prints these, and not the values that its model lists.
fn policy_type(layer: Layer) -> &'static str {
    match layer {
        Layer::Identity | Layer::Boundary | Layer::Session => "IAM Policy",
        Layer::Resource => "Resource Policy",
    }
}

fn invalid(message: &str) -> Error {
    Error::InvalidInput(message.into())
}

/// The policies given with the request, named by their place.
fn input_list(texts: &[String]) -> Result<Vec<HeldPolicy>> {
    let numbered = texts.iter().enumerate();
    let named = |(at, text): (usize, &String)| {
        given_policy(&format!("PolicyInputList.{}", at + 1), text, Kind::Inline)
    };
    numbered.map(named).collect()
}

fn given_policy(name: &str, text: &str, kind: Kind) -> Result<HeldPolicy> {
    let document = Document::parse(text, kind).map_err(|refusal| invalid(&refusal.to_string()))?;
    Ok(HeldPolicy { name: name.into(), document: Arc::new(document) })
}

fn boundary(texts: Option<&[String]>) -> Result<Option<HeldPolicy>> {
    match texts.unwrap_or_default() {
        [] => Ok(None),
        [one] => given_policy("PermissionsBoundaryPolicyInputList.1", one, Kind::Inline).map(Some),
        _ => Err(invalid("Only one permissions boundary policy can be specified.")),
    }
}

fn resource_policy(text: Option<&str>) -> Result<Option<HeldPolicy>> {
    text.map(|text| given_policy("ResourcePolicy", text, Kind::Resource)).transpose()
}

fn context(entries: Option<Vec<model::ContextEntry>>) -> Result<Given> {
    let entries = entries.unwrap_or_default().into_iter();
    let entry = |entry: model::ContextEntry| {
        let name = entry.context_key_name.ok_or_else(|| invalid("ContextKeyName is missing."))?;
        let values = entry.context_key_values.unwrap_or_default();
        let is_list = entry.context_key_type.as_deref().is_some_and(|t| t.ends_with("List"));
        if values.len() > 1 && !is_list {
            return Err(invalid(&format!("The context key {name} can have one value only.")));
        }
        Ok((name, values))
    };
    entries.map(entry).collect()
}

/// What the simulator knows of a principal by itself, unless the request says otherwise.
fn add_principal_keys(context: &mut Given, caller: &Identity, tags: &[(String, String)]) {
    let tags = tags.iter().map(|(key, value)| (format!("aws:PrincipalTag/{key}"), value.clone()));
    for (key, value) in policy::principal_keys(caller).into_iter().chain(tags) {
        if !context.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            context.push((key, vec![value]));
        }
    }
}

fn owner(given: Option<&str>, caller: &Identity, account: &AccountId) -> Result<AccountId> {
    let Some(given) = given else {
        return Ok(caller.account.clone().unwrap_or_else(|| account.clone()));
    };
    let named = given.parse::<Arn>().map_or_else(|_| given.to_owned(), |arn| arn.account);
    named.parse().map_err(|_| invalid(&format!("Invalid Resource Owner: {given}")))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entity {
    User,
    Group,
    Role,
}

/// An entity's ARN, taken apart.
struct EntityArn {
    account: AccountId,
    entity: Entity,
    path: String,
    name: String,
}

impl EntityArn {
    fn parse(text: &str) -> Result<Self> {
        let unclear = || {
            invalid(&format!(
                "Invalid Entity Arn: {text} does not clearly define entity type and name."
            ))
        };
        let arn: Arn = text.parse().map_err(|_| unclear())?;
        let account = arn.account.parse().map_err(|_| unclear())?;
        let (kind, rest) = arn.resource.split_once('/').ok_or_else(unclear)?;
        let (path, name) = match rest.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".into(), rest),
        };
        let entity = match kind {
            "user" => Entity::User,
            "group" => Entity::Group,
            "role" => Entity::Role,
            _ => return Err(unclear()),
        };
        if arn.service != "iam" || name.is_empty() {
            return Err(unclear());
        }
        Ok(Self { account, entity, path, name: name.into() })
    }
}

/// The simulated caller: AWS takes a user and nothing else.
fn caller(text: &str) -> Result<Identity> {
    let arn = EntityArn::parse(text)?;
    if arn.entity != Entity::User {
        return Err(invalid(&format!("CallerArn must be the ARN of a user, not {text}")));
    }
    Ok(identity(&arn.account, Entity::User, &arn.path, &arn.name, String::new()))
}

/// The entity whose policies are simulated, with them.
async fn source(iam: &Iam, account: &AccountId, text: &str) -> Result<(Identity, Held)> {
    let arn = EntityArn::parse(text)?;
    let missing = || Error::NoSuchEntity(Missing::Principal(text.into()));
    if arn.account != *account {
        return Err(missing());
    }
    let held = match arn.entity {
        Entity::User => Held::of_user(iam, account, &arn.name, None).await?,
        Entity::Group => Held::of_group(iam, account, &arn.name).await?,
        Entity::Role => Held::of_role(iam, account, &arn.name, None).await?,
    };
    let held = held.filter(|held| held.path == arn.path).ok_or_else(missing)?;
    let id = held.id.clone();
    Ok((identity(account, arn.entity, &arn.path, &arn.name, id), held))
}

/// A group is judged as a user of no name would be who has only that group's policies.
fn identity(account: &AccountId, entity: Entity, path: &str, name: &str, id: String) -> Identity {
    let (path, name) = (path.to_owned(), name.to_owned());
    let principal = match entity {
        Entity::User => Principal::User { id, path, name },
        Entity::Group => {
            Principal::User { id: String::new(), path: "/".into(), name: String::new() }
        }
        Entity::Role => Principal::AssumedRole { id, path, name, session_name: String::new() },
    };
    Identity { account: Some(account.clone()), principal, access_key_id: None, session: None }
}
