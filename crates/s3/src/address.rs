//! What a request's host says: which bucket, which region, website or API.
//!
//! Beside the addresses of this region's own domain, AWS's are understood, since clients reach
//! them here by a resolver, `/etc/hosts` or a `Host` header:
//!
//! | host | |
//! | --- | --- |
//! | `s3.DOMAIN`, `s3.REGION.DOMAIN`, `s3-REGION.DOMAIN`, `s3.dualstack.REGION.DOMAIN` | path style |
//! | `BUCKET.` and one of these | virtual-hosted style; the bucket may have dots |
//! | `BUCKET.s3-website.REGION.DOMAIN`, `BUCKET.s3-website-REGION.DOMAIN` | a website |
//! | anything else | path style, no region said |
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
//! <https://docs.aws.amazon.com/general/latest/gr/s3.html>

use aws::Region;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub kind: Kind,
    /// Where the host names one.
    pub bucket: Option<String>,
    pub region: Option<Region>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Api,
    Website,
}

impl Address {
    /// Reads a host without its port. `None` for one that says nothing of S3.
    pub fn of_host(host: &str, domain: &str) -> Option<Self> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let under = |suffix: &str| host.strip_suffix(suffix)?.strip_suffix('.').map(str::to_owned);
        let labels = [domain, "localhost", "amazonaws.com"].into_iter().find_map(under)?;
        let mut labels: Vec<&str> = labels.split('.').collect();
        let (kind, region) = endpoint(&mut labels)?;
        let bucket = (!labels.is_empty()).then(|| labels.join("."));
        let bucket = match (bucket, kind) {
            (Some(bucket), _) if bucket.is_empty() => return None,
            (None, Kind::Website) => return None,
            (bucket, _) => bucket,
        };
        Some(Self { kind, bucket, region })
    }

    /// What a host means that says nothing of S3.
    pub fn path_style() -> Self {
        Self { kind: Kind::Api, bucket: None, region: None }
    }
}

/// Takes the endpoint's labels off the end; those of a bucket stay.
fn endpoint(labels: &mut Vec<&str>) -> Option<(Kind, Option<Region>)> {
    let last = labels.pop()?;
    if let Ok(region) = last.parse::<Region>() {
        let before = labels.pop()?;
        let service = if before == "dualstack" { labels.pop()? } else { before };
        return match service {
            "s3" | "s3-fips" => Some((Kind::Api, Some(region))),
            "s3-website" if before != "dualstack" => Some((Kind::Website, Some(region))),
            _ => None,
        };
    }
    let last = if last == "dualstack" { labels.pop().filter(|l| *l == ACCELERATE)? } else { last };
    match last {
        "s3" | ACCELERATE => return Some((Kind::Api, None)),
        "s3-external-1" => return Some((Kind::Api, "us-east-1".parse().ok())),
        "s3-website" => return Some((Kind::Website, None)),
        _ => {}
    }
    let dashed = last.strip_prefix("s3-")?;
    match dashed.strip_prefix("website-") {
        Some(region) => Some((Kind::Website, Some(region.parse().ok()?))),
        None => Some((Kind::Api, Some(dashed.parse().ok()?))),
    }
}

/// Transfer Acceleration's one address, whatever the bucket's region.
const ACCELERATE: &str = "s3-accelerate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_name_buckets_regions_and_websites() {
        let check = |host: &str, expected: Option<(Kind, &str, &str)>| {
            let got = Address::of_host(host, "haneul.test");
            let expected = expected.map(|(kind, bucket, region)| Address {
                kind,
                bucket: (!bucket.is_empty()).then(|| bucket.into()),
                region: (!region.is_empty()).then(|| region.parse().expect("a region")),
            });
            assert_eq!(got, expected, "{host}");
        };
        let api = |bucket, region| Some((Kind::Api, bucket, region));
        let website = |bucket, region| Some((Kind::Website, bucket, region));
        for domain in ["haneul.test", "localhost", "amazonaws.com", "AMAZONAWS.com."] {
            let check = |host: &str, expected| check(&format!("{host}.{domain}"), expected);
            check("s3", api("", ""));
            check("s3.eu-west-1", api("", "eu-west-1"));
            check("s3-eu-west-1", api("", "eu-west-1"));
            check("s3.dualstack.eu-west-1", api("", "eu-west-1"));
            check("s3-fips.dualstack.us-gov-west-1", api("", "us-gov-west-1"));
            check("b.s3", api("b", ""));
            check("my.s3.bucket.s3.ap-northeast-2", api("my.s3.bucket", "ap-northeast-2"));
            check("b.s3-eu-west-1", api("b", "eu-west-1"));
            check("b.s3.dualstack.eu-west-1", api("b", "eu-west-1"));
            check("b.s3-accelerate", api("b", ""));
            check("b.s3-accelerate.dualstack", api("b", ""));
            check("b.s3-external-1", api("b", "us-east-1"));
            check("www.example.com.s3-website.eu-west-1", website("www.example.com", "eu-west-1"));
            check("b.s3-website-eu-west-1", website("b", "eu-west-1"));
            check("b.s3-website", website("b", ""));
            check("s3-website.eu-west-1", None);
            check("b.s3-website.dualstack.eu-west-1", None);
            check("b.s3-elsewhere", None);
            check("sts.eu-west-1", None);
            check("eu-west-1", None);
            check("dualstack", None);
        }
        check("localhost", None);
        check("127.0.0.1", None);
        check(".s3.localhost", None);
        check("b.s3.example.com", None);
        check("", None);
    }
}
