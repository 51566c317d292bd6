//! Which subnet uses which route table.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/WorkWithRouteTables.html>

use aws::Call;
use state::{Scope, Stored};

use crate::error::{Error, Result, refuse};
use crate::route_table::{Association, RouteTable, associated};
use crate::{Ec2, model, network, scope};

pub async fn associate(
    ec2: &Ec2,
    call: &Call,
    input: model::AssociateRouteTableRequest,
) -> Result<model::AssociateRouteTableResult> {
    refuse(
        "AssociateRouteTable",
        &[
            ("GatewayId", input.gateway_id.is_some()),
            ("PublicIpv4Pool", input.public_ipv4_pool.is_some()),
        ],
    )?;
    let subnet_id = input.subnet_id.ok_or(Error::MissingParameter("subnetId"))?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let vpc_id = ec2.route_table(&scope, &input.route_table_id).await?.record.vpc_id;
        let network = ec2.network(&scope, &vpc_id).await?;
        let stored = ec2.route_table(&scope, &input.route_table_id).await?;
        let subnet = ec2.subnet(&scope, &subnet_id).await?.record;
        let mut table = stored.record.clone();
        if subnet.vpc_id != vpc_id {
            let message = format!(
                "Route table {} and subnet {subnet_id} belong to different networks",
                table.id
            );
            return Err(Error::InvalidParameterValue(message));
        }
        if let Some((other, before)) = ec2.association_of(&scope, &subnet_id).await? {
            // Asked again, it is so already.
            if other.record.id == table.id {
                return Ok(answer(&before));
            }
            let message = format!("the specified association for route table {} conflicts with an existing association", table.id);
            return Err(Error::coded("Resource.AlreadyAssociated", message));
        }
        let association = Association::new(&ec2.inner.random, Some(subnet_id.clone()));
        table.associations.push(association.clone());
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &table);
        txn.commit().await?;
        Ok(answer(&association))
    })
    .await
}

fn answer(association: &Association) -> model::AssociateRouteTableResult {
    model::AssociateRouteTableResult {
        association_id: Some(association.id.clone()),
        association_state: Some(associated()),
    }
}

impl Ec2 {
    /// The table that names this subnet, and how.
    async fn association_of(
        &self,
        scope: &Scope,
        subnet_id: &str,
    ) -> Result<Option<(Stored<RouteTable>, Association)>> {
        let is = |one: &Association| one.subnet_id.as_deref() == Some(subnet_id);
        self.associated_table(scope, is).await
    }

    async fn associated_table(
        &self,
        scope: &Scope,
        is: impl Fn(&Association) -> bool,
    ) -> Result<Option<(Stored<RouteTable>, Association)>> {
        for table in self.all::<RouteTable>(scope, "").await? {
            if let Some(association) = table.record.associations.iter().find(|one| is(one)) {
                let association = association.clone();
                return Ok(Some((table, association)));
            }
        }
        Ok(None)
    }

    async fn association(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<(Stored<RouteTable>, Association)> {
        let found = self.associated_table(scope, |one| one.id == id).await?;
        let message = || format!("The association ID '{id}' does not exist");
        found.ok_or_else(|| Error::coded("InvalidAssociationID.NotFound", message()))
    }
}

pub async fn disassociate(
    ec2: &Ec2,
    call: &Call,
    input: model::DisassociateRouteTableRequest,
) -> Result<()> {
    let scope = scope(call)?;
    let id = input.association_id;
    ec2.retry(async || {
        let (stored, association) = ec2.association(&scope, &id).await?;
        if association.subnet_id.is_none() {
            let message = format!("cannot disassociate the main route table association {id}");
            return Err(Error::InvalidParameterValue(message));
        }
        let network = ec2.network(&scope, &stored.record.vpc_id).await?;
        let mut table = stored.record.clone();
        table.associations.retain(|one| one.id != id);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &table);
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// Of the main table's association it makes another table the main one.
pub async fn replace(
    ec2: &Ec2,
    call: &Call,
    input: model::ReplaceRouteTableAssociationRequest,
) -> Result<model::ReplaceRouteTableAssociationResult> {
    let scope = scope(call)?;
    let id = input.association_id;
    ec2.retry(async || {
        let (before, association) = ec2.association(&scope, &id).await?;
        let after = ec2.route_table(&scope, &input.route_table_id).await?;
        if before.record.vpc_id != after.record.vpc_id {
            let message = format!(
                "Route table {} and association {id} belong to different networks",
                after.record.id
            );
            return Err(Error::InvalidParameterValue(message));
        }
        let network = ec2.network(&scope, &before.record.vpc_id).await?;
        let new = Association::new(&ec2.inner.random, association.subnet_id);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        let mut table = before.record.clone();
        table.associations.retain(|one| one.id != id);
        if before.record.id == after.record.id {
            table.associations.push(new.clone());
            txn.update(&before, &table);
        } else {
            txn.update(&before, &table);
            let mut table = after.record.clone();
            table.associations.push(new.clone());
            txn.update(&after, &table);
        }
        txn.commit().await?;
        Ok(model::ReplaceRouteTableAssociationResult {
            new_association_id: Some(new.id),
            association_state: Some(associated()),
        })
    })
    .await
}
