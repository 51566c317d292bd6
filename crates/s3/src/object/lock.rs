//! Object lock: what keeps a version from being deleted, and who may change that.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>

use std::time::Duration;

use aws::{Error, Timestamp};

use crate::error::{invalid_argument, invalid_request};
use crate::row::{Bucket, Content, DefaultRetention, Retention};

pub(crate) const GOVERNANCE: &str = "GOVERNANCE";
pub(crate) const COMPLIANCE: &str = "COMPLIANCE";

const MODE: &str = "x-amz-object-lock-mode";
const UNTIL: &str = "x-amz-object-lock-retain-until-date";
const LEGAL_HOLD: &str = "x-amz-object-lock-legal-hold";
const DAY: Duration = Duration::from_secs(86_400);

/// Whether the caller asked to pass governance mode by, which it is authorized for then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bypass {
    No,
    Governance,
}

impl Bypass {
    /// Reads `x-amz-bypass-governance-retention`.
    pub(crate) fn read(header: Option<bool>) -> Self {
        if header == Some(true) { Self::Governance } else { Self::No }
    }
}

/// The headers of a request that makes a version.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockHeaders {
    pub(crate) mode: Option<String>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) legal_hold: Option<String>,
}

/// How a new version is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) retention: Option<Retention>,
    pub(crate) legal_hold: Option<bool>,
}

impl LockHeaders {
    fn is_any(&self) -> bool {
        self.mode.is_some() || self.until.is_some() || self.legal_hold.is_some()
    }

    /// What the headers and the bucket's default make of a new version.
    ///
    /// # Errors
    /// `InvalidRequest` in a bucket without object lock, `InvalidArgument` for what is wrong.
    pub(crate) fn read(self, bucket: &Bucket, now: Timestamp) -> Result<Locked, Error> {
        let Some(lock) = &bucket.object_lock else {
            if self.is_any() {
                return Err(invalid_request("Bucket is missing ObjectLockConfiguration"));
            }
            return Ok(Locked::default());
        };
        let legal_hold = self.legal_hold.as_deref().map(read_legal_hold).transpose()?;
        let retention = match (self.mode, self.until) {
            (Some(mode), Some(until)) => Some(read_retention(&mode, until, now)?),
            (None, None) => lock.default_retention.as_ref().map(|given| from_default(given, now)),
            (mode, _) => {
                let lacking = if mode.is_some() { UNTIL } else { MODE };
                let message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
                return Err(invalid_argument(message, lacking, ""));
            }
        };
        Ok(Locked { retention, legal_hold })
    }
}

/// # Errors
/// `InvalidArgument` for another mode, and for a date that has passed.
pub(crate) fn read_retention(
    mode: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<Retention, Error> {
    if mode != GOVERNANCE && mode != COMPLIANCE {
        return Err(invalid_argument("Unknown wormMode directive.", MODE, mode));
    }
    if until <= now {
        let message = "The retain until date must be in the future!";
        return Err(invalid_argument(message, UNTIL, &until.to_iso8601()));
    }
    Ok(Retention { mode: mode.to_owned(), until })
}

/// Whether the status is `ON`.
///
/// # Errors
/// `InvalidArgument` for any but `ON` and `OFF`.
pub(crate) fn read_legal_hold(status: &str) -> Result<bool, Error> {
    match status {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        other => {
            let message = "Legal Hold must be either of 'ON' or 'OFF'";
            Err(invalid_argument(message, LEGAL_HOLD, other))
        }
    }
}

pub(crate) fn legal_hold_name(on: bool) -> String {
    if on { "ON" } else { "OFF" }.to_owned()
}

fn from_default(given: &DefaultRetention, now: Timestamp) -> Retention {
    Retention { mode: given.mode.clone(), until: now + DAY * given.days }
}

/// # Errors
/// `InvalidRequest` where the bucket has no object lock.
pub(crate) fn check_bucket(bucket: &Bucket) -> Result<(), Error> {
    if bucket.object_lock.is_some() {
        return Ok(());
    }
    Err(invalid_request("Bucket is missing Object Lock Configuration"))
}

/// For an object without what was asked for.
pub(crate) fn no_such_configuration() -> Error {
    let message = "The specified object does not have a ObjectLock configuration";
    Error::client(404, "NoSuchObjectLockConfiguration", message)
}

/// Whether a version may be removed for good. Nobody removes one under compliance or a legal
/// hold, its account's root user included.
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn check_removal(
    content: &Content,
    bypass: Bypass,
    now: Timestamp,
) -> Result<(), Error> {
    let retained = content.retention.as_ref().is_some_and(|retention| {
        let passed_by = retention.mode == GOVERNANCE && bypass == Bypass::Governance;
        now < retention.until && !passed_by
    });
    if retained || content.legal_hold == Some(true) { Err(protected()) } else { Ok(()) }
}

/// Whether a version's retention may become `wanted`. While it lasts it may always be made longer;
/// governance may be shortened, ended or made compliance with a bypass; compliance never.
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn check_retention_change(
    present: Option<&Retention>,
    wanted: Option<&Retention>,
    bypass: Bypass,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(present) = present.filter(|present| now < present.until) else { return Ok(()) };
    let tightens = wanted.is_some_and(|wanted| {
        let as_strict = wanted.mode == present.mode || wanted.mode == COMPLIANCE;
        as_strict && wanted.until >= present.until
    });
    let passed_by = present.mode == GOVERNANCE && bypass == Bypass::Governance;
    if tightens || passed_by { Ok(()) } else { Err(protected()) }
}

fn protected() -> Error {
    Error::access_denied("Access Denied because object protected by object lock.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1000);

    fn retention(mode: &str, secs: i64) -> Option<Retention> {
        Some(Retention { mode: mode.into(), until: Timestamp::from_secs(secs) })
    }

    #[test]
    fn retention_is_never_loosened() {
        let check = |present: Option<Retention>, wanted: Option<Retention>, bypass, allowed| {
            let judged =
                check_retention_change(present.as_ref(), wanted.as_ref(), bypass, NOW).is_ok();
            assert_eq!(judged, allowed, "{present:?} to {wanted:?} with {bypass:?}");
        };
        for bypass in [Bypass::No, Bypass::Governance] {
            let may = bypass == Bypass::Governance;
            check(None, retention(COMPLIANCE, 2000), bypass, true);
            // Over, so nothing is kept.
            check(retention(COMPLIANCE, 1000), None, bypass, true);
            check(retention(COMPLIANCE, 1001), None, bypass, false);
            check(retention(COMPLIANCE, 2000), retention(COMPLIANCE, 1999), bypass, false);
            check(retention(COMPLIANCE, 2000), retention(COMPLIANCE, 2001), bypass, true);
            check(retention(COMPLIANCE, 2000), retention(GOVERNANCE, 9000), bypass, false);
            check(retention(GOVERNANCE, 2000), retention(GOVERNANCE, 2000), bypass, true);
            check(retention(GOVERNANCE, 2000), retention(GOVERNANCE, 1999), bypass, may);
            check(retention(GOVERNANCE, 2000), None, bypass, may);
            check(retention(GOVERNANCE, 2000), retention(COMPLIANCE, 2000), bypass, true);
            check(retention(GOVERNANCE, 2000), retention(COMPLIANCE, 1500), bypass, may);
        }
    }
}
