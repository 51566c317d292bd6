//! Parameters.
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>

use aws::{Call, Identity, Timestamp};

use crate::called::{DescribeImagesRequest, Filter, Image};
use crate::error::{Error, Result};
use crate::public_parameter::{self, Newest};
use crate::{Ssm, model};

/// AWS's, for one request.
const NAMES_MAX: usize = 10;

pub async fn get(
    ssm: &Ssm,
    call: &Call,
    input: model::GetParameterRequest,
) -> Result<model::GetParameterResult> {
    let parameter = ssm.read(call, &input.name).await?.ok_or(Error::ParameterNotFound)?;
    Ok(model::GetParameterResult { parameter: Some(parameter) })
}

pub async fn get_several(
    ssm: &Ssm,
    call: &Call,
    input: model::GetParametersRequest,
) -> Result<model::GetParametersResult> {
    if input.names.len() > NAMES_MAX {
        let message = format!("Member must have length less than or equal to {NAMES_MAX}");
        return Err(Error::ValidationException(message));
    }
    let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
    for name in input.names {
        match ssm.read(call, &name).await? {
            Some(parameter) => parameters.push(parameter),
            None => invalid.push(name),
        }
    }
    Ok(model::GetParametersResult {
        parameters: Some(parameters),
        invalid_parameters: Some(invalid),
    })
}

pub async fn get_by_path(
    ssm: &Ssm,
    call: &Call,
    input: model::GetParametersByPathRequest,
) -> Result<model::GetParametersByPathResult> {
    if !input.path.starts_with('/') {
        return Err(Error::InvalidPath);
    }
    let path = format!("{}/", input.path.trim_end_matches('/'));
    let below = |name: &str| {
        let rest = name.strip_prefix(&path);
        rest.is_some_and(|rest| input.recursive == Some(true) || !rest.contains('/'))
    };
    let mut parameters = Vec::new();
    for name in public_parameter::names().into_iter().filter(|name| below(name)) {
        parameters.extend(ssm.read(call, name).await?);
    }
    Ok(model::GetParametersByPathResult { parameters: Some(parameters), next_token: None })
}

impl Ssm {
    /// The parameter of this name, or of this ARN; a selector behind a colon picks a version.
    async fn read(&self, call: &Call, asked: &str) -> Result<Option<model::Parameter>> {
        let name = match asked.strip_prefix("arn:aws:ssm:") {
            Some(arn) => arn.split_once(":parameter").map_or(asked, |(_, name)| name),
            None => asked,
        };
        let name = name.strip_suffix(":1").unwrap_or(name);
        let Some(newest) = public_parameter::find(name) else { return Ok(None) };
        let Some(image) = self.newest(call, newest).await? else { return Ok(None) };
        let modified = image.creation_date.as_deref().and_then(Timestamp::parse_iso8601);
        Ok(Some(model::Parameter {
            name: Some(name.into()),
            r#type: Some("String".into()),
            value: image.image_id,
            version: Some(1),
            last_modified_date: Some(modified.unwrap_or(Timestamp::from_secs(0))),
            arn: Some(format!("arn:aws:ssm:{}::parameter{name}", call.region)),
            data_type: Some("text".into()),
            ..Default::default()
        }))
    }

    /// Asked as the owner, not as the caller: who may read the parameter need not be allowed to
    /// list images.
    async fn newest(&self, call: &Call, newest: Newest) -> Result<Option<Image>> {
        let owner = newest.owner.parse().map_err(aws::Error::internal)?;
        let filter = Filter { name: Some("name".into()), values: Some(vec![newest.name]) };
        let input = DescribeImagesRequest {
            owners: Some(vec![newest.owner.into()]),
            filters: Some(vec![filter]),
            ..Default::default()
        };
        let answer = self.caller.ask(&call.under(Identity::root(owner)), input).await?;
        let images = answer.images.unwrap_or_default();
        Ok(images.into_iter().max_by(|one, other| one.creation_date.cmp(&other.creation_date)))
    }
}
