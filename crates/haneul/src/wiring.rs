//! Which services a region has, and what they stand on.

use std::sync::Arc;

use aws::{Authorizer, Caller, Clock, Error, Random, Region};
use ec2::Ec2;
use host::Host;
use iam::{Accounts, Iam, Keyring, Sts};
use objects::Engine;
use s3::S3;
use s3::lifecycle::Day;
use ssm::Ssm;
use state::{Kind, Records};

use crate::dial::Dial;
use crate::front::Parties;
use crate::zones::Outage;

/// The services of a region and those who speak for them.
pub struct Services {
    pub iam: Iam,
    pub ec2: Ec2,
    pub accounts: Accounts,
    pub parties: Parties,
}

/// What the services are given.
pub struct Ground {
    pub records: Records,
    pub objects: Engine,
    pub host: Arc<dyn Host>,
    pub region: Region,
    pub domain: String,
    /// Of lifecycle rules.
    pub day: Day,
    pub clock: Arc<Clock>,
    pub wall: Arc<Clock>,
    pub random: Arc<Random>,
}

/// Every kind of record that a region keeps, so that a start can bring older ones to today's
/// formats and refuse a newer haneul's.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::of::<Dial>(), Kind::of::<Outage>()];
    kinds.extend(iam::kinds());
    kinds.extend(ec2::kinds());
    kinds
}

/// # Errors
/// When the state cannot be read or written.
pub async fn services(ground: Ground) -> Result<Services, Error> {
    let Ground { records, objects, host, region, domain, day, clock, wall, random } = ground;
    let seal = Arc::new(iam::sts::Seal::open(&records, &random).await?);
    let iam = Iam::new(records.clone(), random.clone());
    let sts = Sts::new(iam.clone(), seal.clone());
    let authorizer: Arc<dyn Authorizer> = Arc::new(iam::Authorizer::new(iam.clone()));
    let s3 = S3::new(
        objects,
        clock.clone(),
        random.clone(),
        region.clone(),
        domain.clone(),
        authorizer.clone(),
        day,
    );
    let caller = Arc::new(Caller::new(authorizer.clone()));
    let ec2 = Ec2::new(records.clone(), host, clock.clone(), random.clone(), caller.clone());
    let noting = iam.clone();
    let services = vec![
        iam::model::service(Arc::new(iam.clone())),
        iam::sts::model::service(Arc::new(sts)),
        ec2::model::service(Arc::new(ec2.clone())),
        ssm::model::service(Arc::new(Ssm::new(caller.clone()))),
    ];
    caller.join(&services);
    let parties = Parties {
        services,
        s3,
        credentials: Arc::new(Keyring::new(iam.clone(), seal)),
        authorizer,
        note_use: Box::new(move |call, service| noting.note_use(call, service)),
        region,
        domain,
        clock,
        wall,
        random: random.clone(),
    };
    Ok(Services { iam, ec2, accounts: Accounts::new(records, random), parties })
}
