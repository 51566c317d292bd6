//! CPU credits of burstable instances: kept, not counted.

use aws::Call;

use super::Instance;
use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::instance_type::InstanceType;
use crate::tag::Tags;
use crate::{Ec2, id, model, scope};

/// What a new instance has.
///
/// # Errors
/// For another word, and for a type that has no credits.
pub fn of_new(asked: Option<&str>, instance_type: &InstanceType) -> Result<Option<String>> {
    match asked {
        None => Ok(instance_type.default_credits().map(Into::into)),
        Some(_) if !instance_type.is_burstable() => {
            let message = format!(
                "The CreditSpecification parameter is not supported for instance type {}.",
                instance_type.name
            );
            Err(Error::InvalidParameterCombination(message))
        }
        Some(asked @ ("standard" | "unlimited")) => Ok(Some(asked.into())),
        Some(other) => Err(Error::invalid_value(format!(
            "Value ({other}) for parameter cpuCredits is invalid."
        ))),
    }
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInstanceCreditSpecificationsRequest,
) -> Result<model::DescribeInstanceCreditSpecificationsResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeInstanceCreditSpecifications", token, size).await?;
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<Instance>(&scope, id::INSTANCE, input.instance_ids).await? {
        let instance = stored.record;
        let Some(credits) = instance.credits else { continue };
        let values = |name: &str| (name == "instance-id").then(|| vec![instance.id.clone()]);
        if filters.pass(&Tags::default(), values)? {
            let shape = model::InstanceCreditSpecification {
                instance_id: Some(instance.id.clone()),
                cpu_credits: Some(credits),
            };
            found.push((instance.id.clone(), shape));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeInstanceCreditSpecificationsResult {
        instance_credit_specifications: Some(page.items),
        next_token: page.next_token,
    })
}
