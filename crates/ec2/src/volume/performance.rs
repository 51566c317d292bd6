//! Sizes, IOPS and throughputs that each type of volume may have.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html>

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeType {
    Gp2,
    Gp3,
    Io1,
    Io2,
    St1,
    Sc1,
    Standard,
}

/// A size and speed that AWS has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    pub volume_type: VolumeType,
    pub size_gib: u32,
    /// As DescribeVolumes shows it: asked for, or what the type gives to the size.
    pub iops: Option<u32>,
    /// Of gp3.
    pub throughput_mib: Option<u32>,
}

/// As a request has it.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    pub volume_type: Option<&'a str>,
    pub size_gib: Option<i32>,
    pub iops: Option<i32>,
    pub throughput_mib: Option<i32>,
}

struct Bounds {
    size_gib: (u32, u32),
    /// `None` where none can be asked for.
    iops: Option<Iops>,
}

struct Iops {
    least: u32,
    most: u32,
    per_gib: u32,
    /// `None`: it must be said.
    default: Option<u32>,
}

const THROUGHPUT: (u32, u32) = (125, 2000);
const IOPS_PER_MIB: u32 = 4;

impl VolumeType {
    pub const ALL: [Self; 7] =
        [Self::Gp2, Self::Gp3, Self::Io1, Self::Io2, Self::St1, Self::Sc1, Self::Standard];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
            Self::St1 => "st1",
            Self::Sc1 => "sc1",
            Self::Standard => "standard",
        }
    }

    fn named(name: &str) -> Result<Self> {
        let unknown = || {
            let message =
                format!("Value ({name}) for parameter volumeType is invalid. Unknown volume type.");
            Error::InvalidParameterValue(message)
        };
        Self::ALL.into_iter().find(|one| one.as_str() == name).ok_or_else(unknown)
    }

    /// Whether a speed can be asked for.
    pub fn takes_iops(self) -> bool {
        self.bounds().iops.is_some()
    }

    fn bounds(self) -> Bounds {
        let plain = |least, most| Bounds { size_gib: (least, most), iops: None };
        let with = |size_gib, least, most, per_gib, default| Bounds {
            size_gib,
            iops: Some(Iops { least, most, per_gib, default }),
        };
        match self {
            Self::Gp2 => plain(1, 16_384),
            Self::Gp3 => with((1, 65_536), 3000, 80_000, 500, Some(3000)),
            Self::Io1 => with((4, 16_384), 100, 64_000, 50, None),
            Self::Io2 => with((4, 65_536), 100, 256_000, 1000, None),
            Self::St1 | Self::Sc1 => plain(125, 16_384),
            Self::Standard => plain(1, 1024),
        }
    }
}

impl Performance {
    /// What a new volume of `size_min` GiB or more has; gp2 where no type is asked.
    ///
    /// # Errors
    /// AWS's refusals of what no volume can be.
    pub fn new(asked: &Asked<'_>, size_min: u32) -> Result<Self> {
        let volume_type = VolumeType::named(asked.volume_type.unwrap_or("gp2"))?;
        let size_gib = match asked.size_gib {
            Some(asked) => positive("size", asked)?,
            None => size_min,
        };
        if size_gib < size_min {
            let message = format!(
                "Volume of size {size_gib}GB is smaller than snapshot, expect size>= {size_min}GB"
            );
            return Err(Error::coded("InvalidBlockDeviceMapping", message));
        }
        let iops = asked.iops.map(|iops| positive("iops", iops)).transpose()?;
        let throughput = asked.throughput_mib;
        let throughput = throughput.map(|mib| positive("throughput", mib)).transpose()?;
        Self { volume_type, size_gib, iops, throughput_mib: throughput }.checked()
    }

    /// What the volume has after a ModifyVolume.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn modified(&self, asked: &Asked<'_>) -> Result<Self> {
        let volume_type = asked.volume_type.map(VolumeType::named).transpose()?;
        let volume_type = volume_type.unwrap_or(self.volume_type);
        let size_gib = asked.size_gib.map(|size| positive("size", size)).transpose()?;
        let size_gib = size_gib.unwrap_or(self.size_gib);
        if size_gib < self.size_gib {
            let message = "New size cannot be smaller than existing size";
            return Err(Error::InvalidParameterValue(message.into()));
        }
        // What was asked for stays, what the type gave does not.
        let kept = volume_type == self.volume_type && volume_type.bounds().iops.is_some();
        let iops = asked.iops.map(|iops| positive("iops", iops)).transpose()?;
        let throughput = asked.throughput_mib;
        let throughput = throughput.map(|mib| positive("throughput", mib)).transpose()?;
        Self {
            volume_type,
            size_gib,
            iops: iops.or(self.iops.filter(|_| kept)),
            throughput_mib: throughput.or(self.throughput_mib.filter(|_| kept)),
        }
        .checked()
    }

    /// Within the bounds, and with what the type gives by itself.
    fn checked(self) -> Result<Self> {
        let Bounds { size_gib: (least, most), iops: bounds } = self.volume_type.bounds();
        let (name, size) = (self.volume_type.as_str(), self.size_gib);
        if size < least {
            let message = format!(
                "Volume of {size}GiB is too small for volume type {name}; minimum is {least}GiB."
            );
            return Err(Error::InvalidParameterValue(message));
        }
        if size > most {
            let message = format!(
                "Volume of {size}GiB is too large for volume type {name}; maximum is {most}GiB."
            );
            return Err(Error::InvalidParameterValue(message));
        }
        let Some(bounds) = bounds else {
            unasked(self.iops, "iops", name)?;
            unasked(self.throughput_mib, "throughput", name)?;
            let iops = (self.volume_type == VolumeType::Gp2).then(|| gp2_iops(size));
            return Ok(Self { iops, ..self });
        };
        let iops = self.iops.or(bounds.default).ok_or(Error::MissingParameter("iops"))?;
        if !(bounds.least..=bounds.most).contains(&iops) {
            let message = format!(
                "Volume iops of {iops} is not supported for {name}; it must be between {} and {}.",
                bounds.least, bounds.most
            );
            return Err(Error::InvalidParameterValue(message));
        }
        // The least is given to the smallest volume, too.
        if iops > bounds.least && iops > size.saturating_mul(bounds.per_gib) {
            let message = format!(
                "Iops to volume size ratio of {iops} to {size} is too high; maximum is {} IOPS per GiB",
                bounds.per_gib
            );
            return Err(Error::InvalidParameterCombination(message));
        }
        if self.volume_type != VolumeType::Gp3 {
            unasked(self.throughput_mib, "throughput", name)?;
            return Ok(Self { iops: Some(iops), ..self });
        }
        let throughput = self.throughput_mib.unwrap_or(THROUGHPUT.0);
        if !(THROUGHPUT.0..=THROUGHPUT.1).contains(&throughput) {
            let message = format!(
                "Throughput of {throughput} MiBps is not supported; it must be between {} and {}.",
                THROUGHPUT.0, THROUGHPUT.1
            );
            return Err(Error::InvalidParameterValue(message));
        }
        if throughput.saturating_mul(IOPS_PER_MIB) > iops {
            let message = format!(
                "Throughput (MiBps) to iops ratio of {throughput} to {iops} is too high; maximum is 0.250000 MiBps per iops"
            );
            return Err(Error::InvalidParameterCombination(message));
        }
        Ok(Self { iops: Some(iops), throughput_mib: Some(throughput), ..self })
    }

    /// What the host holds it to, in MiB/s; none where AWS has no number.
    pub fn throughput(&self) -> Option<u32> {
        let tib = self.size_gib.div_ceil(1024);
        match self.volume_type {
            VolumeType::Gp3 => self.throughput_mib,
            VolumeType::Gp2 => Some(if self.size_gib <= 170 { 128 } else { 250 }),
            VolumeType::Io1 => Some(1000),
            VolumeType::Io2 => Some(4000),
            // What a bucket full of burst credits allows.
            VolumeType::St1 => Some((tib * 250).min(500)),
            VolumeType::Sc1 => Some((tib * 80).min(250)),
            VolumeType::Standard => Some(90),
        }
    }
}

fn gp2_iops(size_gib: u32) -> u32 {
    size_gib.saturating_mul(3).clamp(100, 16_000)
}

fn positive(parameter: &str, asked: i32) -> Result<u32> {
    u32::try_from(asked).ok().filter(|&number| number > 0).ok_or_else(|| {
        Error::InvalidParameterValue(format!(
            "Value ({asked}) for parameter {parameter} is invalid."
        ))
    })
}

fn unasked(asked: Option<u32>, parameter: &str, volume_type: &str) -> Result<()> {
    if asked.is_none() {
        return Ok(());
    }
    let message = format!("The parameter {parameter} is not supported for {volume_type} volumes.");
    Err(Error::InvalidParameterCombination(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(
        volume_type: &str,
        size: i32,
        iops: Option<i32>,
        mib: Option<i32>,
    ) -> Result<Performance> {
        let asked = Asked {
            volume_type: Some(volume_type),
            size_gib: Some(size),
            iops,
            throughput_mib: mib,
        };
        Performance::new(&asked, 0)
    }

    #[test]
    fn each_type_has_its_bounds() {
        let check =
            |volume_type: &str, size, iops, mib, expected: Option<(Option<u32>, Option<u32>)>| {
                let made = new(volume_type, size, iops, mib).ok();
                let made = made.map(|made| (made.iops, made.throughput_mib));
                assert_eq!(made, expected, "{volume_type} {size} {iops:?} {mib:?}");
            };
        check("gp2", 8, None, None, Some((Some(100), None)));
        check("gp2", 1000, None, None, Some((Some(3000), None)));
        check("gp2", 16_384, None, None, Some((Some(16_000), None)));
        check("gp2", 16_385, None, None, None);
        check("gp2", 0, None, None, None);
        check("gp2", 8, Some(100), None, None);
        check("gp3", 8, None, None, Some((Some(3000), Some(125))));
        check("gp3", 100, Some(16_000), Some(1000), Some((Some(16_000), Some(1000))));
        check("gp3", 8, Some(3000), Some(751), None);
        check("gp3", 8, Some(2999), None, None);
        check("gp3", 8, Some(4001), None, None);
        check("io1", 100, None, None, None);
        check("io1", 4, Some(200), None, Some((Some(200), None)));
        check("io1", 4, Some(201), None, None);
        check("io2", 4, Some(4000), None, Some((Some(4000), None)));
        check("io2", 4, Some(4000), Some(125), None);
        check("io1", 3, Some(100), None, None);
        check("st1", 124, None, None, None);
        check("sc1", 125, None, None, Some((None, None)));
        check("standard", 1025, None, None, None);
        check("gp9", 8, None, None, None);
    }

    #[test]
    fn a_modified_volume_keeps_what_was_asked_and_never_shrinks() {
        let gp3 = new("gp3", 10, Some(4000), Some(200)).expect("fits");
        let grown = gp3.modified(&Asked { size_gib: Some(20), ..Asked::default() }).expect("grows");
        assert_eq!((grown.size_gib, grown.iops, grown.throughput_mib), (20, Some(4000), Some(200)));
        assert!(gp3.modified(&Asked { size_gib: Some(9), ..Asked::default() }).is_err());
        let gp2 = Asked { volume_type: Some("gp2"), ..Asked::default() };
        let gp2 = gp3.modified(&gp2).expect("another type");
        assert_eq!((gp2.iops, gp2.throughput_mib), (Some(100), None));
        let grown = gp2.modified(&Asked { size_gib: Some(1000), ..Asked::default() });
        assert_eq!(grown.expect("grows").iops, Some(3000));
    }
}
