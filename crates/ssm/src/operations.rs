//! SSM's operations, and what must be allowed before each.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>

use aws::{Call, Check};

use crate::error::Result;
use crate::model::Input;
use crate::{Ssm, parameter};

crate::model::operations! {
    Ssm, checks: table,
    GetParameter: parameter::get,
    GetParameters: parameter::get_several,
    GetParametersByPath: parameter::get_by_path,
}

async fn table(_ssm: &Ssm, call: &Call, input: &Input) -> Result<Vec<Check>> {
    let (action, names) = match input {
        Input::GetParameter(input) => ("ssm:GetParameter", vec![input.name.as_str()]),
        Input::GetParameters(input) => {
            ("ssm:GetParameters", input.names.iter().map(String::as_str).collect())
        }
        Input::GetParametersByPath(input) => ("ssm:GetParametersByPath", vec![input.path.as_str()]),
    };
    let account = call.account()?;
    // Public parameters are in nobody's account.
    let owner = |name: &str| if name.starts_with("/aws/") { "" } else { account.as_str() };
    let arn = |name: &str| {
        let path = if name.starts_with('/') { "parameter" } else { "parameter/" };
        format!("arn:aws:ssm:{}:{}:{path}{name}", call.region, owner(name))
    };
    Ok(names.into_iter().map(|name| Check::new(action, arn(name))).collect())
}
