//! RestoreObject: an archived object becomes readable for some days, after a time that its class
//! and the tier take, on the region's clock.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html>

use std::time::Duration;

use aws::{Call, Error, Timestamp};

use super::change::Changed;
use super::class::{DEEP_ARCHIVE, GLACIER, invalid_state, is_archive};
use crate::S3;
use crate::error::{invalid_argument, malformed_xml};
use crate::model::{RestoreObjectOutput, RestoreObjectRequest, RestoreRequest};
use crate::row::{Content, Restore};

const DAY_MS: i64 = 86_400_000;

pub async fn restore(
    s3: &S3,
    call: &Call,
    input: RestoreObjectRequest,
) -> Result<RestoreObjectOutput, Error> {
    let wanted = Wanted::read(input.restore_request.ok_or_else(malformed_xml)?)?;
    let changed = Changed {
        bucket: &input.bucket,
        expected_owner: input.expected_bucket_owner.as_deref(),
        key: &input.key,
        version_id: input.version_id.as_deref(),
        method: "POST",
    };
    let (outcome, _) = changed.with(s3, |_, content| wanted.apply(content, call.at)).await?;
    match outcome {
        Outcome::Extended => Ok(RestoreObjectOutput::default()),
        Outcome::Begun => Err(Error::accepted()),
    }
}

/// AWS answers 202 to the one and 200 to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Begun,
    Extended,
}

/// How soon a copy is there; the slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Bulk,
    Standard,
    Expedited,
}

impl Tier {
    fn parse(name: &str) -> Option<Self> {
        [Self::Bulk, Self::Standard, Self::Expedited].into_iter().find(|tier| tier.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bulk => "Bulk",
            Self::Standard => "Standard",
            Self::Expedited => "Expedited",
        }
    }

    /// The middle of the documented span, or its bound where there is only one. `None` for what
    /// the class does not have.
    fn takes(self, class: &str) -> Option<Duration> {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 3600;
        let secs = match (class, self) {
            (GLACIER, Self::Expedited) => 3 * MINUTE,
            (GLACIER, Self::Standard) => 4 * HOUR,
            (GLACIER, Self::Bulk) => 8 * HOUR + 30 * MINUTE,
            (DEEP_ARCHIVE, Self::Standard) => 12 * HOUR,
            (DEEP_ARCHIVE, Self::Bulk) => 48 * HOUR,
            _ => return None,
        };
        Some(Duration::from_secs(secs))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    days: u32,
    tier: Tier,
}

impl Wanted {
    fn read(request: RestoreRequest) -> Result<Self, Error> {
        if request.r#type.is_some() || request.select_parameters.is_some() {
            return Err(Error::parameter_not_served("RestoreObject", "Type: SELECT"));
        }
        if request.output_location.is_some() {
            return Err(malformed_xml());
        }
        let tier = request.glacier_job_parameters.map(|parameters| parameters.tier);
        let tier = match tier.or(request.tier).as_deref() {
            None => Tier::Standard,
            Some(name) => Tier::parse(name).ok_or_else(malformed_xml)?,
        };
        let days = request.days.ok_or_else(malformed_xml)?;
        match u32::try_from(days) {
            Ok(days) if days > 0 => Ok(Self { days, tier }),
            _ => Err(invalid_argument(
                "restoration days should be at least 1",
                "Days",
                &days.to_string(),
            )),
        }
    }

    fn apply(self, content: &mut Content, now: Timestamp) -> Result<Outcome, Error> {
        if !is_archive(&content.class) {
            let message = "Restore is not allowed for the object's current storage class";
            return Err(invalid_state(message, content));
        }
        let Some(takes) = self.tier.takes(&content.class) else {
            let message = "Retrieval option is not supported by this storage class";
            return Err(invalid_argument(message, "Tier", self.tier.name()));
        };
        let present = content.restore.as_ref().filter(|restore| now < restore.expires);
        let ready = match present {
            // The copy stays, for as long as is asked for now.
            Some(restore) if restore.ready <= now => restore.ready,
            // A faster tier takes over a restore that is underway.
            Some(restore) if Tier::parse(&restore.tier).is_some_and(|tier| tier < self.tier) => {
                restore.ready.min(now + takes)
            }
            Some(_) => {
                let message = "Object restore is already in progress";
                return Err(Error::client(409, "RestoreAlreadyInProgress", message));
            }
            None => now + takes,
        };
        let expires = expiry(ready.max(now), self.days);
        content.restore = Some(Restore { ready, expires, tier: self.tier.name().into() });
        Ok(if ready <= now { Outcome::Extended } else { Outcome::Begun })
    }
}

/// So many days later, at the next midnight (UTC).
fn expiry(from: Timestamp, days: u32) -> Timestamp {
    let ms = from.as_millis().saturating_add(i64::from(days) * DAY_MS);
    Timestamp::from_millis(ms.div_euclid(DAY_MS).saturating_add(1).saturating_mul(DAY_MS))
}
