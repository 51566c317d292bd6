//! The images that are there from the start, under the owners and names of AWS's own.
//!
//! None of them is what its name says: each is this machine's own `/usr` with the login user
//! that such an image has, and its description says so. What people write to find an image
//! (`al2023-ami-2023.*-x86_64`, `ubuntu-jammy-22.04-amd64-server-*`) finds one that runs.

use std::collections::BTreeSet;

use aws::{AccountId, Region, Timestamp};
use aws_lc_rs::digest::{SHA256, digest};

use super::{Block, Image};
use crate::id;
use crate::share;
use crate::volume::performance::Asked;
use crate::volume::{Performance, RootOf};

/// The host's name of the image that is this machine itself.
pub const SYSTEM: &str = "system";
/// AWS's ids have as many.
const DIGITS: usize = 17;

struct Public {
    owner: &'static str,
    alias: Option<&'static str>,
    name: &'static str,
    created: i64,
    login_user: &'static str,
    device: &'static str,
    volume_type: &'static str,
    imds_v2: bool,
}

const AMAZON: &str = "137112412989";
const CANONICAL: &str = "099720109477";
const DEBIAN: &str = "136693071363";
/// Midnight of 2026-10-01; each name has that day's date in its publisher's own form.
const CREATED: i64 = 1_790_812_800;

const PUBLIC: &[Public] = &[
    Public {
        owner: AMAZON,
        alias: Some("amazon"),
        name: "al2023-ami-2023.12.20261001.0-kernel-6.1-x86_64",
        created: CREATED,
        login_user: "ec2-user",
        device: "/dev/xvda",
        volume_type: "gp3",
        imds_v2: true,
    },
    Public {
        owner: AMAZON,
        alias: Some("amazon"),
        name: "amzn2-ami-hvm-2.0.20261001.0-x86_64-gp2",
        created: CREATED,
        login_user: "ec2-user",
        device: "/dev/xvda",
        volume_type: "gp2",
        imds_v2: false,
    },
    Public {
        owner: CANONICAL,
        alias: None,
        name: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20261001",
        created: CREATED,
        login_user: "ubuntu",
        device: "/dev/sda1",
        volume_type: "gp2",
        imds_v2: false,
    },
    Public {
        owner: CANONICAL,
        alias: None,
        name: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261001",
        created: CREATED,
        login_user: "ubuntu",
        device: "/dev/sda1",
        volume_type: "gp3",
        imds_v2: true,
    },
    Public {
        owner: DEBIAN,
        alias: None,
        name: "debian-12-amd64-20261001-2602",
        created: CREATED,
        login_user: "admin",
        device: "/dev/xvda",
        volume_type: "gp3",
        imds_v2: false,
    },
    Public {
        owner: DEBIAN,
        alias: None,
        name: "debian-13-amd64-20261001-2602",
        created: CREATED,
        login_user: "admin",
        device: "/dev/xvda",
        volume_type: "gp3",
        imds_v2: false,
    },
];

const ROOT_GIB: i32 = 8;

/// All of a region.
pub fn all(region: &Region) -> Vec<Image> {
    PUBLIC.iter().filter_map(|public| public.image(region)).collect()
}

/// The one with this id.
pub fn named(region: &Region, id: &str) -> Option<Image> {
    all(region).into_iter().find(|image| image.id == id)
}

impl Public {
    fn image(&self, region: &Region) -> Option<Image> {
        let asked = Asked {
            volume_type: Some(self.volume_type),
            size_gib: Some(ROOT_GIB),
            ..Asked::default()
        };
        let performance = Performance::new(&asked, 0).ok()?;
        let owner: AccountId = self.owner.parse().ok()?;
        let (device, user) = (self.device.to_owned(), self.login_user);
        Some(Image {
            id: self.id(region),
            owner,
            owner_alias: self.alias.map(Into::into),
            name: self.name.into(),
            description: format!(
                "This machine's own /usr under the name of an image that is often asked for; log in as {user}"
            ),
            created: Timestamp::from_secs(self.created),
            root: RootOf { image: SYSTEM.into(), login_user: user.into(), device: device.clone() },
            blocks: vec![Block {
                device,
                snapshot: None,
                performance,
                delete_on_termination: true,
            }],
            shared_with: BTreeSet::from([share::ALL.into()]),
            source_instance: None,
            source: None,
            imds_v2: self.imds_v2,
        })
    }

    /// The same for as long as the name is: users write ids down.
    fn id(&self, region: &Region) -> String {
        let digest = digest(&SHA256, format!("{region} {}", self.name).as_bytes());
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}", id::IMAGE.prefix, &hex[..DIGITS])
    }
}
