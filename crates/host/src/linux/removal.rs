//! Taking a region off the machine.

use std::io;

use super::network::LinuxNetworks;
use super::{LinuxHost, Options, guest, volume};
use crate::{Error, Result};

impl LinuxHost {
    /// How many guests of the region run, whether its haneul does or not.
    ///
    /// # Errors
    /// When the machine does not say.
    pub fn running(options: &Options) -> Result<usize> {
        guest::running(&options.name).map_err(failed("the guests"))
    }

    /// Takes away all that the kernel holds for the region, as a power cut would: guests and
    /// who keeps them, mounts, loop devices, networks. What lies in the folders stays. For who
    /// knows that no haneul runs there; may be repeated, also after it was cut short.
    ///
    /// # Errors
    /// When something could not be taken away; the rest was.
    pub fn remove_all(options: &Options) -> Result<()> {
        let networks = LinuxNetworks::open(&options.name, options.public_pool)?;
        if !rustix::process::geteuid().is_root() {
            let any = guest::has_any(&options.name).map_err(failed("the guests"))?;
            return match any || networks.has_any()? {
                true => Err(Error::Refused("only root can take guests off this machine".into())),
                false => Ok(()),
            };
        }
        // Guests hold what comes after them.
        let guests = guest::remove_all(&options.name).map_err(failed("the guests"));
        let volumes = volume::remove_all(&options.data, &options.zones);
        let volumes = volumes.map_err(failed("the volumes"));
        let networks = networks.remove_all();
        guests.and(volumes).and(networks)
    }
}

fn failed(what: &str) -> impl Fn(io::Error) -> Error {
    move |error| Error::Unavailable(format!("{what}: {error}"))
}
