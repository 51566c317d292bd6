//! Launch templates: what instances are asked to be, kept under a name in numbered versions.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-launch-templates.html>

pub mod data;
pub mod version;

use aws::{Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result, not_served};
use crate::filter::Filters;
use crate::launch::Launch;
use crate::tag::{self, Tags};
use crate::{Ec2, client_token, id, model, name, scope};

pub use version::Version;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    pub id: String,
    pub name: String,
    pub created: Timestamp,
    pub created_by: String,
    pub default: i64,
    pub latest: i64,
}

impl Record for LaunchTemplate {
    const KIND: &'static str = "ec2.launch-template";
    const FORMAT: u32 = 1;
}

impl LaunchTemplate {
    fn shape(&self, tags: &Tags) -> model::LaunchTemplate {
        model::LaunchTemplate {
            launch_template_id: Some(self.id.clone()),
            launch_template_name: Some(self.name.clone()),
            create_time: Some(self.created),
            created_by: Some(self.created_by.clone()),
            default_version_number: Some(self.default),
            latest_version_number: Some(self.latest),
            tags: tags.shapes(),
            ..Default::default()
        }
    }
}

/// Who a template or version is created by.
fn creator(call: &Call) -> String {
    call.identity.arn().unwrap_or_default()
}

impl Ec2 {
    /// By its id or its name, of which one must be given.
    ///
    /// # Errors
    /// `InvalidLaunchTemplateId.NotFound`,
    /// `InvalidLaunchTemplateName.NotFoundException`.
    pub(crate) async fn launch_template(
        &self,
        scope: &Scope,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<Stored<LaunchTemplate>> {
        let nameless = |name: &str| {
            let message = format!(
                "At least one of the launch templates specified in the request does not exist: {name}"
            );
            Error::coded("InvalidLaunchTemplateName.NotFoundException", message)
        };
        match (id, name) {
            (Some(_), Some(_)) => {
                let message = "You cannot specify both the launch template ID and name";
                Err(Error::InvalidParameterCombination(message.into()))
            }
            (Some(id), None) => {
                id::LAUNCH_TEMPLATE.check(id)?;
                let missing = || {
                    let message = format!(
                        "The specified launch template, with template ID {id}, does not exist."
                    );
                    Error::coded("InvalidLaunchTemplateId.NotFound", message)
                };
                self.records().get(scope, id).await?.ok_or_else(missing)
            }
            (None, Some(name)) => {
                let named = self.named(scope, id::LAUNCH_TEMPLATE, name).await?;
                let id = named.ok_or_else(|| nameless(name))?.record.id;
                self.records().get(scope, &id).await?.ok_or_else(|| nameless(name))
            }
            (None, None) => Err(Error::MissingParameter("LaunchTemplateId")),
        }
    }

    /// What a request's `LaunchTemplate` asks for; its default version where none is said.
    ///
    /// # Errors
    /// For a template or version that is not there.
    pub(crate) async fn template_asked(
        &self,
        call: &Call,
        given: &model::LaunchTemplateSpecification,
    ) -> Result<Launch> {
        let scope = scope(call)?;
        let id = given.launch_template_id.as_deref();
        let name = given.launch_template_name.as_deref();
        let template = self.launch_template(&scope, id, name).await?.record;
        let version = given.version.as_deref().unwrap_or("$Default");
        let version = self.template_version(&scope, &template, version).await?.record;
        Ok(Launch { template: Some((template.id, version.number)), ..version.launch })
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateLaunchTemplateRequest,
) -> Result<model::CreateLaunchTemplateResult> {
    not_served("CreateLaunchTemplate", &[("Operator", input.operator.is_some())])?;
    check_name(&input.launch_template_name)?;
    let token = client_token::of("CreateLaunchTemplate", input.client_token.as_deref(), &input);
    let tags = tag::specified(input.tag_specifications, id::LAUNCH_TEMPLATE)?;
    let template = LaunchTemplate {
        id: id::LAUNCH_TEMPLATE.new_id(&ec2.inner.random),
        name: input.launch_template_name,
        created: call.at,
        created_by: creator(call),
        default: 1,
        latest: 1,
    };
    let version = Version {
        number: 1,
        description: input.version_description,
        created: call.at,
        created_by: creator(call),
        launch: data::read(input.launch_template_data)?,
    };
    let scope = scope(call)?;
    let made = ec2
        .retry(async || {
            if let Some(id) = ec2.made_before(&scope, token.as_ref()).await? {
                return Ok(ec2.launch_template(&scope, Some(&id), None).await?.record);
            }
            if ec2.named(&scope, id::LAUNCH_TEMPLATE, &template.name).await?.is_some() {
                let message = "Launch template name already in use.";
                return Err(Error::coded(
                    "InvalidLaunchTemplateName.AlreadyExistsException",
                    message,
                ));
            }
            let mut txn = ec2.records().transaction();
            name::take(&mut txn, &scope, id::LAUNCH_TEMPLATE, &template.name, &template.id);
            txn.create(&scope, &template.id, &template);
            txn.create(&scope, &version::key(&template.id, 1), &version);
            tag::create(&mut txn, &scope, &template.id, &tags);
            client_token::keep(&mut txn, &scope, token.as_ref(), &template.id);
            txn.commit().await?;
            Ok(template.clone())
        })
        .await?;
    let shape = made.shape(&ec2.tags(&scope, &made.id).await?);
    Ok(model::CreateLaunchTemplateResult { launch_template: Some(shape), warning: None })
}

fn check_name(name: &str) -> Result<()> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "()./_-".contains(letter);
    if (3..=128).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    let message = "Launch template names must be between 3 and 128 characters in length, and may contain letters, numbers, and the following characters: - ( ) . / _";
    Err(Error::coded("InvalidLaunchTemplateName.MalformedException", message))
}

/// Sets the version that is meant when none is said.
pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyLaunchTemplateRequest,
) -> Result<model::ModifyLaunchTemplateResult> {
    let scope = scope(call)?;
    let (id, name) = (input.launch_template_id, input.launch_template_name);
    let version = input.default_version.ok_or(Error::MissingParameter("SetDefaultVersion"))?;
    let changed = ec2
        .retry(async || {
            let stored = ec2.launch_template(&scope, id.as_deref(), name.as_deref()).await?;
            let version = ec2.template_version(&scope, &stored.record, &version).await?;
            let now = LaunchTemplate { default: version.record.number, ..stored.record.clone() };
            let mut txn = ec2.records().transaction();
            txn.require_unchanged(&version);
            txn.update(&stored, &now);
            txn.commit().await?;
            Ok(now)
        })
        .await?;
    let shape = changed.shape(&ec2.tags(&scope, &changed.id).await?);
    Ok(model::ModifyLaunchTemplateResult { launch_template: Some(shape) })
}

pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteLaunchTemplateRequest,
) -> Result<model::DeleteLaunchTemplateResult> {
    let scope = scope(call)?;
    let (id, name) = (input.launch_template_id, input.launch_template_name);
    ec2.retry(async || {
        let stored = ec2.launch_template(&scope, id.as_deref(), name.as_deref()).await?;
        let template = &stored.record;
        let shape = template.shape(&ec2.tags(&scope, &template.id).await?);
        let mut txn = ec2.records().transaction();
        txn.delete(&stored);
        for version in ec2.all::<Version>(&scope, &format!("{}/", template.id)).await? {
            txn.delete(&version);
        }
        if let Some(named) = ec2.named(&scope, id::LAUNCH_TEMPLATE, &template.name).await? {
            txn.delete(&named);
        }
        ec2.drop_tags(&mut txn, &scope, &template.id).await?;
        txn.commit().await?;
        Ok(model::DeleteLaunchTemplateResult { launch_template: Some(shape) })
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeLaunchTemplatesRequest,
) -> Result<model::DescribeLaunchTemplatesResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeLaunchTemplates", token, size).await?;
    let mut ids = Vec::new();
    for id in input.launch_template_ids.into_iter().flatten() {
        ids.push(ec2.launch_template(&scope, Some(&id), None).await?.record.id);
    }
    for name in input.launch_template_names.into_iter().flatten() {
        ids.push(ec2.launch_template(&scope, None, Some(&name)).await?.record.id);
    }
    let mut tags = ec2.tags_of(&scope, id::LAUNCH_TEMPLATE).await?;
    let mut found = Vec::new();
    let all = ec2.named_or_all::<LaunchTemplate>(&scope, id::LAUNCH_TEMPLATE, Some(ids)).await?;
    for stored in all {
        let template = stored.record;
        let tags = tags.remove(&template.id).unwrap_or_default();
        let values = |name: &str| match name {
            "create-time" => Some(vec![template.created.to_iso8601()]),
            "launch-template-name" => Some(vec![template.name.clone()]),
            _ => None,
        };
        if filters.pass(&tags, values)? {
            found.push((template.id.clone(), template.shape(&tags)));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeLaunchTemplatesResult {
        launch_templates: Some(page.items),
        next_token: page.next_token,
    })
}

#[cfg(test)]
mod tests;
