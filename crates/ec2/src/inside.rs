//! What answers inside a VPC beside its guests: the metadata service, the resolver, AWS itself.

use aws::BoxFuture;
use host::{Network, NetworkId};
use state::Scope;

/// Whoever has the listeners. Each VPC is opened after the machine has made it, and again
/// after every change of it.
pub trait Inside: Send + Sync {
    /// Opens what is not open yet, and shows what is open the network as it is now.
    ///
    /// # Errors
    /// When the machine opens no socket there; it is tried again.
    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        network: &'a Network,
    ) -> BoxFuture<'a, Result<(), host::Error>>;

    /// Before the machine removes the network. Does nothing when it is not open.
    fn close(&self, network: &NetworkId);
}
