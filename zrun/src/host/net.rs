//! The network of one run: the policy, and the names that led to addresses.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use super::denial::{Denials, Denied};
use crate::audit::Use;
#[cfg(feature = "http")]
use crate::http::HttpPolicy;
use crate::net::NetPolicy;
use crate::policy::Grants;

/// The policy object of all sockets and look-ups of one run.
#[derive(Clone)]
pub(crate) struct Net {
    pub(super) policy: Arc<NetPolicy>,
    /// Which names resolved to an address during this run.
    names: Arc<Mutex<BTreeMap<IpAddr, Vec<String>>>>,
    #[cfg(feature = "http")]
    pub(super) http: Arc<HttpPolicy>,
    pub(super) denials: Denials,
}

impl Net {
    /// The names that led to an address.
    fn names_of(&self, address: SocketAddr) -> Vec<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names
            .get(&address.ip().to_canonical())
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn new(grants: &Grants, denials: Denials) -> Self {
        Self {
            policy: Arc::new(grants.net.clone()),
            #[cfg(feature = "http")]
            http: Arc::new(grants.http.clone()),
            names: Arc::default(),
            denials,
        }
    }

    /// Connects the policy to the sockets of a context. Without any grant there is nothing to connect.
    pub(crate) fn apply(&self, builder: &mut WasiCtxBuilder) {
        if self.policy.is_empty() {
            builder
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false);
            return;
        }
        let net = self.clone();
        builder
            .allow_tcp(true)
            .allow_udp(true)
            .allow_ip_name_lookup(true)
            .socket_addr_check(move |address, usage| {
                let allowed = net.check(address, usage);
                Box::pin(std::future::ready(allowed))
            });
    }

    fn check(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            // Before a socket connects or sends, the system gives it some free port: that is no service to anybody.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind if address.port() == 0 => true,
            SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend => {
                let allowed = self.judge(address, |policy, names| {
                    policy.allows(address.ip(), address.port(), names)
                });
                if allowed {
                    // Whether the run may go on is asked when the call returns.
                    let _ = self.denials.recorder().used(|| Use::Connect {
                        address,
                        names: self.names_of(address),
                    });
                } else {
                    let (ip, port) = (address.ip(), address.port());
                    let declared =
                        self.judge(address, |policy, names| policy.declares(ip, port, names));
                    let refused =
                        self.judge(address, |policy, names| policy.refuses(ip, port, names));
                    self.denials.note(Denied::Connect {
                        address,
                        names: self.names_of(address),
                        declared,
                        refused,
                    });
                }
                allowed
            }
            // A datagram from elsewhere is dropped silently: the sender is not something that the program tried.
            SocketAddrUse::UdpReceive => self.judge(address, |policy, names| {
                policy.allows(address.ip(), address.port(), names)
            }),
            _ => {
                self.denials.note(Denied::Listen);
                false
            }
        }
    }

    /// Asks the policy about an address with the names that led to it.
    fn judge(
        &self,
        address: SocketAddr,
        question: impl FnOnce(&NetPolicy, &[String]) -> bool,
    ) -> bool {
        let ip = address.ip().to_canonical();
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        question(&self.policy, names.get(&ip).map_or(&[], Vec::as_slice))
    }

    /// Remembers that a name led to an address.
    pub(super) fn resolved(&self, name: &str, ip: IpAddr) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.entry(ip.to_canonical()).or_default();
        if !known.iter().any(|other| other == name) {
            known.push(name.to_owned());
        }
    }
}
