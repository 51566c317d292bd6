//! Who logged in, from where, and with what rights.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::account::Account;
use super::authorized_keys::Grant;

pub(super) struct Login {
    /// `/`, but in tests.
    pub(super) root: PathBuf,
    pub(super) account: Account,
    pub(super) grant: Grant,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
}

impl Login {
    pub(super) fn ssh_client(&self) -> String {
        format!("{} {} {}", self.client.ip(), self.client.port(), self.server.port())
    }

    pub(super) fn ssh_connection(&self) -> String {
        let (client, server) = (self.client, self.server);
        format!("{} {} {} {}", client.ip(), client.port(), server.ip(), server.port())
    }
}
