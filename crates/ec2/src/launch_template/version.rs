//! The numbered versions of a launch template. None is ever changed.

use aws::{Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use super::{LaunchTemplate, creator, data};
use crate::error::{Error, Result, not_served};
use crate::filter::Filters;
use crate::launch::Launch;
use crate::tag::Tags;
use crate::{Ec2, client_token, model, scope};

/// By the template's id and a number of ten digits, so that they are listed in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub number: i64,
    pub description: Option<String>,
    pub created: Timestamp,
    pub created_by: String,
    pub launch: Launch,
}

impl Record for Version {
    const KIND: &'static str = "ec2.launch-template-version";
    const FORMAT: u32 = 1;
}

pub(super) fn key(template: &str, number: i64) -> String {
    format!("{template}/{number:010}")
}

impl LaunchTemplate {
    /// `$Default`, `$Latest` or a number.
    fn number(&self, version: &str) -> Result<i64> {
        match version {
            "" | "$Default" => Ok(self.default),
            "$Latest" => Ok(self.latest),
            number => number.parse().map_err(|_| {
                let message = format!("Launch template version '{number}' is malformed.");
                Error::coded("InvalidLaunchTemplateId.VersionMalformed", message)
            }),
        }
    }

    fn version_shape(&self, version: &Version) -> model::LaunchTemplateVersion {
        model::LaunchTemplateVersion {
            launch_template_id: Some(self.id.clone()),
            launch_template_name: Some(self.name.clone()),
            version_number: Some(version.number),
            version_description: version.description.clone(),
            create_time: Some(version.created),
            created_by: Some(version.created_by.clone()),
            default_version: Some(version.number == self.default),
            launch_template_data: Some(data::shape(&version.launch)),
            ..Default::default()
        }
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidLaunchTemplateId.VersionNotFound`.
    pub(crate) async fn template_version(
        &self,
        scope: &Scope,
        template: &LaunchTemplate,
        version: &str,
    ) -> Result<Stored<Version>> {
        let number = template.number(version)?;
        let found = self.records().get(scope, &key(&template.id, number)).await?;
        found.ok_or_else(|| {
            let message = format!(
                "Could not find the specified version {number} for the launch template with ID {}.",
                template.id
            );
            Error::coded("InvalidLaunchTemplateId.VersionNotFound", message)
        })
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateLaunchTemplateVersionRequest,
) -> Result<model::CreateLaunchTemplateVersionResult> {
    let token =
        client_token::of("CreateLaunchTemplateVersion", input.client_token.as_deref(), &input);
    let (id, name) = (input.launch_template_id, input.launch_template_name);
    let own = data::read(input.launch_template_data)?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.launch_template(&scope, id.as_deref(), name.as_deref()).await?;
        if let Some(number) = ec2.made_before(&scope, token.as_ref()).await? {
            let version = ec2.template_version(&scope, &stored.record, &number).await?.record;
            let shape = Some(stored.record.version_shape(&version));
            return Ok(model::CreateLaunchTemplateVersionResult {
                launch_template_version: shape,
                warning: None,
            });
        }
        let launch = match &input.source_version {
            None => own.clone(),
            Some(source) => {
                let source = ec2.template_version(&scope, &stored.record, source).await?;
                own.clone().over(source.record.launch)
            }
        };
        let template = LaunchTemplate { latest: stored.record.latest + 1, ..stored.record.clone() };
        let version = Version {
            number: template.latest,
            description: input.version_description.clone(),
            created: call.at,
            created_by: creator(call),
            launch,
        };
        let mut txn = ec2.records().transaction();
        txn.update(&stored, &template);
        txn.create(&scope, &key(&template.id, version.number), &version);
        client_token::keep(&mut txn, &scope, token.as_ref(), &version.number.to_string());
        txn.commit().await?;
        Ok(model::CreateLaunchTemplateVersionResult {
            launch_template_version: Some(template.version_shape(&version)),
            warning: None,
        })
    })
    .await
}

/// Each version for itself; the default one stays.
pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteLaunchTemplateVersionsRequest,
) -> Result<model::DeleteLaunchTemplateVersionsResult> {
    let scope = scope(call)?;
    let (id, name) = (input.launch_template_id, input.launch_template_name);
    ec2.retry(async || {
        let stored = ec2.launch_template(&scope, id.as_deref(), name.as_deref()).await?;
        let template = &stored.record;
        let mut txn = ec2.records().transaction();
        txn.require_unchanged(&stored);
        let (mut deleted, mut kept) = (Vec::new(), Vec::new());
        for asked in &input.versions {
            let number = template.number(asked)?;
            let found = ec2.records().get::<Version>(&scope, &key(&template.id, number)).await?;
            let refusal = match &found {
                None => Some(("launchTemplateVersionDoesNotExist", "The version does not exist.")),
                Some(_) if number == template.default => Some((
                    "unexpectedError",
                    "You cannot delete the default launch template version. Specify another default version first.",
                )),
                Some(_) => None,
            };
            if let Some((code, message)) = refusal {
                kept.push(model::DeleteLaunchTemplateVersionsResponseErrorItem {
                    launch_template_id: Some(template.id.clone()),
                    launch_template_name: Some(template.name.clone()),
                    version_number: Some(number),
                    response_error: Some(model::ResponseError {
                        code: Some(code.into()),
                        message: Some(message.into()),
                    }),
                });
                continue;
            }
            if let Some(found) = found {
                txn.delete(&found);
            }
            deleted.push(model::DeleteLaunchTemplateVersionsResponseSuccessItem {
                launch_template_id: Some(template.id.clone()),
                launch_template_name: Some(template.name.clone()),
                version_number: Some(number),
            });
        }
        txn.commit().await?;
        Ok(model::DeleteLaunchTemplateVersionsResult {
            successfully_deleted_launch_template_versions: Some(deleted),
            unsuccessfully_deleted_launch_template_versions: Some(kept),
        })
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeLaunchTemplateVersionsRequest,
) -> Result<model::DescribeLaunchTemplateVersionsResult> {
    let alias = input.resolve_alias == Some(true);
    not_served("DescribeLaunchTemplateVersions", &[("ResolveAlias", alias)])?;
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeLaunchTemplateVersions", token, size).await?;
    let (id, name) = (input.launch_template_id.as_deref(), input.launch_template_name.as_deref());
    let asked = input.versions.unwrap_or_default();
    let all_templates = id.is_none() && name.is_none();
    let templates = match all_templates {
        true => ec2.all::<LaunchTemplate>(&scope, "").await?,
        false => vec![ec2.launch_template(&scope, id, name).await?],
    };
    let mut found = Vec::new();
    for template in templates.into_iter().map(|stored| stored.record) {
        let numbers: Vec<i64> =
            asked.iter().map(|asked| template.number(asked)).collect::<Result<_>>()?;
        if !all_templates {
            for asked in &asked {
                ec2.template_version(&scope, &template, asked).await?;
            }
        }
        let bound = |bound: &Option<String>| {
            bound.as_deref().map(|bound| template.number(bound)).transpose()
        };
        let (least, most) = (bound(&input.min_version)?, bound(&input.max_version)?);
        for stored in ec2.all::<Version>(&scope, &format!("{}/", template.id)).await? {
            let version = stored.record;
            let wanted = (numbers.is_empty() || numbers.contains(&version.number))
                && least.is_none_or(|least| version.number >= least)
                && most.is_none_or(|most| version.number <= most);
            let launch = &version.launch;
            let values = |name: &str| {
                let value = match name {
                    "create-time" => Some(version.created.to_iso8601()),
                    "ebs-optimized" => launch.ebs_optimized.map(|on| on.to_string()),
                    "http-endpoint" => launch.metadata.endpoint.clone(),
                    "http-tokens" => launch.metadata.tokens.clone(),
                    "image-id" => launch.image.clone(),
                    "instance-type" => launch.instance_type.clone(),
                    "is-default-version" => Some((version.number == template.default).to_string()),
                    _ => return None,
                };
                Some(value.into_iter().collect())
            };
            if wanted && filters.pass(&Tags::default(), values)? {
                let shape = template.version_shape(&version);
                // The newest first, as in AWS.
                let place = i64::MAX - version.number;
                found.push((format!("{}/{place:020}", template.id), shape));
            }
        }
    }
    found.sort_by(|one, two| one.0.cmp(&two.0));
    let page = ask.cut(found);
    Ok(model::DescribeLaunchTemplateVersionsResult {
        launch_template_versions: Some(page.items),
        next_token: page.next_token,
    })
}
