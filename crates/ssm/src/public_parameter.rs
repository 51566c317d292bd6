//! AWS's public parameters: which there are, and which image each names.

/// The newest image of an owner whose name fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    pub owner: &'static str,
    pub name: String,
}

struct Family {
    parameter: &'static str,
    owner: &'static str,
    image: &'static str,
}

const AMAZON: &str = "137112412989";
const CANONICAL: &str = "099720109477";
const DEBIAN: &str = "136693071363";

/// <https://docs.aws.amazon.com/linux/al2023/ug/ec2.html>,
/// <https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>,
/// <https://wiki.debian.org/Cloud/AmazonEC2Image>
const FAMILIES: &[Family] = &[
    Family {
        parameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        owner: AMAZON,
        image: "al2023-ami-2023*-x86_64",
    },
    Family {
        parameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64",
        owner: AMAZON,
        image: "al2023-ami-2023*-x86_64",
    },
    Family {
        parameter: "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        owner: CANONICAL,
        image: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*",
    },
    Family {
        parameter: "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        owner: CANONICAL,
        image: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*",
    },
    Family {
        parameter: "/aws/service/debian/release/12/latest/amd64",
        owner: DEBIAN,
        image: "debian-12-amd64-*",
    },
    Family {
        parameter: "/aws/service/debian/release/13/latest/amd64",
        owner: DEBIAN,
        image: "debian-13-amd64-*",
    },
    Family {
        parameter: "/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2",
        owner: AMAZON,
        image: "amzn2-ami-hvm-*-x86_64-gp2",
    },
];

/// What the parameter of this name says; `None` when there is no such parameter.
pub fn find(name: &str) -> Option<Newest> {
    let family = FAMILIES.iter().find(|family| family.parameter == name)?;
    Some(Newest { owner: family.owner, name: family.image.into() })
}

/// The names of all parameters, in their order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = FAMILIES.iter().map(|family| family.parameter).collect();
    names.sort_unstable();
    names
}
