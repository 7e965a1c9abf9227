//! The front ends as streams inside this process: the same handlers, in tokio's own time, paused or
//! not.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use offpeak_site::MachineIx;
use offpeak_twin::Answering;
use tokio::io::DuplexStream;

use super::Fronts;
use super::layout::Service;
use super::web;
use crate::connect::MemoryHost;

/// Bytes under way in each direction.
const STREAM_BUFFER: usize = 16 * 1024;
/// Whom machines see as their client.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl MemoryHost for Fronts {
    fn connect(&self, to: SocketAddr) -> io::Result<DuplexStream> {
        let shared = &self.0;
        let service = *shared.layout.services.get(&to).ok_or(io::ErrorKind::ConnectionRefused)?;
        let reachable = |machine: MachineIx| shared.answering(machine).0 != Answering::Unreachable;
        let (ours, theirs) = tokio::io::duplex(STREAM_BUFFER);
        let shared = Arc::clone(shared);
        match service {
            Service::Api(machine) if reachable(machine) => {
                tokio::spawn(async move { shared.serve_api(machine, CLIENT, theirs).await });
            }
            Service::Web(machine) if reachable(machine) => {
                tokio::spawn(web::serve(shared, machine, theirs));
            }
            Service::Api(_) | Service::Web(_) => return Err(io::ErrorKind::ConnectionRefused.into()),
            Service::Modbus(line) => {
                tokio::spawn(async move { shared.serve_modbus(line, theirs).await });
            }
        }
        Ok(ours)
    }
}
