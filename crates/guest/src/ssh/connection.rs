//! One client: who it is, and what it may ask for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use russh::keys::{Algorithm, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session as Protocol, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, Pty, Sig};

use super::account::Account;
use super::authorized_keys::{self, Grant};
use super::forward::Forwards;
use super::inbox::{Backlog, Inbox};
use super::login::Login;
use super::session::{self, Place, Preparation, Reach, Session};
use super::terminal::{self, Wanted};
use super::user_process::Purpose;

/// As many keys as sshd looks at.
const KEYS_MAX: usize = 6;
const SESSIONS_MAX: usize = 64;

/// What became of a connection.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) entered: AtomicBool,
    pub(super) refused: AtomicBool,
}

pub(super) struct Connection {
    pub(super) root: PathBuf,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// Keys that stand in no file, for a user of this name.
    pub(super) pushed: fn(&str) -> String,
    pub(super) outcome: Arc<Outcome>,
    keys_refused: usize,
    /// Asked for once a connection and user.
    pushed_before: Option<(String, String)>,
    login: Option<Arc<Login>>,
    backlog: Arc<Backlog>,
    sessions: HashMap<ChannelId, Slot>,
    forwards: Forwards,
}

/// A channel for a session, before and while there is one.
struct Slot {
    inbox: Arc<Inbox>,
    /// Until the session has it.
    channel: Option<ChannelWriteHalf<Msg>>,
    preparation: Preparation,
    reach: Reach,
}

/// Where a connection comes from and whom it may become.
pub(super) struct Origin {
    pub(super) root: PathBuf,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) pushed: fn(&str) -> String,
}

impl Connection {
    pub(super) fn new(origin: Origin, outcome: Arc<Outcome>, backlog: Arc<Backlog>) -> Self {
        let Origin { root, client, server, pushed } = origin;
        Self {
            root,
            client,
            server,
            pushed,
            outcome,
            keys_refused: 0,
            pushed_before: None,
            login: None,
            forwards: Forwards::new(backlog.clone()),
            backlog,
            sessions: HashMap::new(),
        }
    }

    /// What the key opens for this user. Does the same work whether there is such a user or not.
    async fn login(&mut self, name: &str, key: &PublicKey, algorithm: &Algorithm) -> Option<Login> {
        if self.keys_refused >= KEYS_MAX || *algorithm == (Algorithm::Rsa { hash: None }) {
            return None;
        }
        let account = Account::find(&self.root, name).ok().flatten();
        let source = self.client.ip();
        let own = account
            .as_ref()
            .and_then(|account| authorized_keys::grant(&self.root, account, key, source));
        let grant = match own {
            Some(grant) => Some(grant),
            None => authorized_keys::grant_in(&self.pushed_keys(name).await, key, source),
        };
        Some(Login {
            root: self.root.clone(),
            account: account?,
            grant: grant?,
            client: self.client,
            server: self.server,
        })
    }

    async fn pushed_keys(&mut self, name: &str) -> String {
        if let Some((before, keys)) = &self.pushed_before
            && before == name
        {
            return keys.clone();
        }
        let (ask, user) = (self.pushed, name.to_owned());
        let keys = tokio::task::spawn_blocking(move || ask(&user)).await.unwrap_or_default();
        self.pushed_before = Some((name.to_owned(), keys.clone()));
        keys
    }

    fn refuse(&mut self) -> Auth {
        self.keys_refused += 1;
        self.outcome.refused.store(true, Ordering::Relaxed);
        Auth::reject()
    }

    fn granted(&self) -> &Grant {
        // Nothing is asked for before the login.
        const NOTHING: &Grant = &Grant { command: None, terminal: false, forwarding: false };
        self.login.as_ref().map_or(NOTHING, |login| &login.grant)
    }

    fn start(
        &mut self,
        id: ChannelId,
        purpose: Option<Purpose>,
        protocol: &mut Protocol,
    ) -> Result<(), russh::Error> {
        let slot = self.sessions.get_mut(&id);
        let (Some(login), Some(purpose), Some(slot)) = (&self.login, purpose, slot) else {
            return protocol.channel_failure(id);
        };
        let Some(channel) = slot.channel.take() else {
            return protocol.channel_failure(id);
        };
        let place = Place {
            inbox: slot.inbox.clone(),
            channel,
            connection: protocol.handle(),
            reach: slot.reach.clone(),
        };
        match Session::start(login, purpose, &slot.preparation, place) {
            Ok(session) => {
                protocol.channel_success(id)?;
                tokio::spawn(session.run());
                Ok(())
            }
            Err(error) => {
                eprintln!("haneul: a session could not be started: {error}");
                protocol.channel_failure(id)
            }
        }
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        match self.login(user, offer.public_key, offer.algorithm).await {
            Some(_) => Ok(Auth::Accept),
            None => Ok(self.refuse()),
        }
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.login = self.login(user, key.public_key, key.algorithm).await.map(Arc::new);
        match &self.login {
            Some(_) => Ok(Auth::Accept),
            None => Ok(self.refuse()),
        }
    }

    async fn auth_succeeded(&mut self, _: &mut Protocol) -> Result<(), Self::Error> {
        self.outcome.entered.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Protocol,
    ) -> Result<(), Self::Error> {
        self.sessions.retain(|_, slot| !slot.reach.ended());
        if self.sessions.len() >= SESSIONS_MAX {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        let id = channel.id();
        let (read, write) = channel.split();
        let slot = Slot {
            inbox: Inbox::open(read, self.backlog.clone()),
            channel: Some(write),
            preparation: Preparation::default(),
            reach: Reach::default(),
        };
        self.sessions.insert(id, slot);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Protocol) -> Result<(), Self::Error> {
        self.sessions.remove(&id);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        protocol: &mut Protocol,
    ) -> Result<(), Self::Error> {
        const TERM_BYTES_MAX: usize = 256;
        let allowed = self.granted().terminal;
        match self.sessions.get_mut(&id) {
            Some(slot) if allowed && term.len() <= TERM_BYTES_MAX && !term.contains('\0') => {
                let size = terminal::size(columns, rows, width, height);
                let modes = modes.to_vec();
                slot.preparation.terminal = Some(Wanted { term: term.into(), size, modes });
                protocol.channel_success(id)
            }
            _ => protocol.channel_failure(id),
        }
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        _: &mut Protocol,
    ) -> Result<(), Self::Error> {
        if let Some(slot) = self.sessions.get(&id) {
            slot.reach.resize(terminal::size(columns, rows, width, height));
        }
        Ok(())
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        protocol: &mut Protocol,
    ) -> Result<(), Self::Error> {
        let slot = self.sessions.get_mut(&id);
        match slot.is_some_and(|slot| slot.preparation.set_variable(name, value)) {
            true => protocol.channel_success(id),
            false => protocol.channel_failure(id),
        }
    }

    async fn shell_request(
        &mut self,
        id: ChannelId,
        protocol: &mut Protocol,
    ) -> Result<(), Self::Error> {
        self.start(id, Some(Purpose::Shell), protocol)
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        line: &[u8],
        protocol: &mut Protocol,
    ) -> Result<(), Self::Error> {
        self.start(id, session::command_line(line), protocol)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        protocol: &mut Protocol,
    ) -> Result<(), Self::Error> {
        self.start(id, (name == "sftp").then_some(Purpose::Sftp), protocol)
    }

    async fn signal(
        &mut self,
        id: ChannelId,
        signal: Sig,
        _: &mut Protocol,
    ) -> Result<(), Self::Error> {
        // Whoever wrote the forced command did not write it for signals from outside.
        if let Some(slot) = self.sessions.get(&id).filter(|_| self.granted().command.is_none()) {
            slot.reach.signal(&signal);
        }
        Ok(())
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        protocol: &mut Protocol,
    ) -> Result<(), Self::Error> {
        protocol.channel_failure(id)
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Protocol,
    ) -> Result<(), Self::Error> {
        match self.granted().forwarding {
            true => self.forwards.connect(channel, host.to_owned(), port, reply),
            false => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
        }
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        protocol: &mut Protocol,
    ) -> Result<bool, Self::Error> {
        let Some(login) = self.login.as_ref().filter(|login| login.grant.forwarding) else {
            return Ok(false);
        };
        let uid = login.account.uid;
        match self.forwards.listen(address, *port, uid, protocol.handle()).await {
            Ok(got) => {
                *port = got;
                Ok(true)
            }
            Err(_) => Ok(false),
        }
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        _: &mut Protocol,
    ) -> Result<bool, Self::Error> {
        Ok(self.forwards.stop(address, port))
    }
}
