//! Who answers where: which address and ports stand for which machine, meter and switch.
//!
//! Not here: the sockets (`listen`) and what is said over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use offpeak_site::observe::ModbusAddress;
use offpeak_site::{Endpoint, Family, MachineIx, MeterIx, Site, SwitchIx};

use super::FrontsError;

/// Where machines that the site gives no usable address begin.
const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 1);
/// Where meters and switches that the site gives no usable address begin, at 127.0.0.1.
const FIRST_MODBUS_PORT: u16 = 15_020;
/// Ports below this need a privilege.
const PRIVILEGED: u16 = 1024;
/// How far a privileged port moves up for an ordinary user (HTTP moves to 8080).
const RAISED_BY: u16 = 10_000;

/// The ports that every machine answers at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The TCP API.
    pub api: u16,
    /// The pages.
    pub http: u16,
}

impl Ports {
    /// 4028 and 80, as real machines.
    pub const STANDARD: Self = Self { api: 4028, http: 80 };
    /// 4028 and 8080, where ports below 1024 are not to be had.
    pub const RAISED: Self = Self { api: 4028, http: 8080 };

    /// The standard ones, unless this user may not listen at port 80.
    #[must_use]
    pub fn for_this_user() -> Self {
        // An address that nobody uses: whether it is taken says nothing, only a denial does.
        let probe = TcpListener::bind((Ipv4Addr::new(127, 255, 255, 254), Self::STANDARD.http));
        match probe {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Self::RAISED,
            _ => Self::STANDARD,
        }
    }
}

/// How machines are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// By their loopback address: one listener a port serves them all (Linux answers on all of
    /// 127.0.0.0/8). No other such twin can run beside it on the same ports.
    AddressPerMachine(Ports),
    /// By their loopback address, each with listeners of its own: for a few machines beside another
    /// twin.
    ListenerPerMachine(Ports),
    /// By their ports: 127.0.0.1, an API port and the HTTP port above it for each machine, from this
    /// one on. For systems that answer on 127.0.0.1 only, such as macOS.
    PortPerMachine {
        /// The first machine's API port.
        first: u16,
    },
    /// By the site's own addresses, inside this process.
    InMemory,
}

/// Whether the twin speaks a family's protocol.
const fn is_spoken(family: Family) -> bool {
    matches!(
        family,
        Family::WhatsminerV2
            | Family::WhatsminerV3
            | Family::AntminerStock
            | Family::Avalon
            | Family::LuxOs
            | Family::BraiinsOs
            | Family::BraiinsOsGraphQl
            | Family::Epic
            | Family::ProtoRig
            | Family::Bitaxe
            | Family::Vnish
    )
}

/// What answers at an address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// A machine's TCP API.
    Api(MachineIx),
    /// A machine's pages.
    Web(MachineIx),
    /// The Modbus devices of this place in the list.
    Modbus(usize),
}

/// What one Modbus unit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) meter: Option<MeterIx>,
    pub(super) switch: Option<SwitchIx>,
}

/// The devices behind one Modbus address, by unit.
pub(super) type Line = BTreeMap<u8, Device>;

/// Where everything answers.
#[derive(Clone, Debug)]
pub struct Layout {
    addressing: Addressing,
    endpoints: Vec<Endpoint>,
    meters: Vec<ModbusAddress>,
    switches: Vec<ModbusAddress>,
    pub(super) services: HashMap<SocketAddr, Service>,
    pub(super) lines: Vec<Line>,
}

impl Layout {
    /// Plans where a site's machines, meters and switches answer. Addresses that the site states are
    /// kept where the twin can have them; the others are given out in order.
    ///
    /// # Errors
    /// Two things at one address, or more machines than ports.
    pub fn plan(site: &Site, addressing: Addressing) -> Result<Self, FrontsError> {
        let endpoints = match addressing {
            Addressing::PortPerMachine { first } => by_port(site, first)?,
            Addressing::AddressPerMachine(ports) | Addressing::ListenerPerMachine(ports) => {
                by_address(site, Some(ports))
            }
            Addressing::InMemory => by_address(site, None),
        };
        let mut layout = Self {
            addressing,
            endpoints,
            meters: Vec::new(),
            switches: Vec::new(),
            services: HashMap::new(),
            lines: Vec::new(),
        };
        for (machine, entry) in site.machines() {
            if !is_spoken(site.model(entry.model).family) {
                continue;
            }
            let at = layout.endpoints[machine.ix()];
            let family = site.model(entry.model).family;
            if !family.has_pages_only() {
                let service =
                    if family.api_is_http() { Service::Web(machine) } else { Service::Api(machine) };
                layout.put(SocketAddr::new(at.ip, at.api_port), service)?;
            }
            layout.put(SocketAddr::new(at.ip, at.http_port), Service::Web(machine))?;
            if let Addressing::AddressPerMachine(ports) | Addressing::ListenerPerMachine(ports) = addressing
                && family == Family::WhatsminerV3
            {
                // Its older API answers at its old port.
                layout.put(SocketAddr::new(at.ip, ports.api), Service::Api(machine))?;
            }
        }
        layout.place_modbus(site)?;
        Ok(layout)
    }

    fn put(&mut self, at: SocketAddr, service: Service) -> Result<(), FrontsError> {
        match self.services.insert(at, service) {
            None => Ok(()),
            Some(_) => Err(FrontsError::Twice(at)),
        }
    }

    /// Stated addresses first, so that none of them is given to another device.
    fn place_modbus(&mut self, site: &Site) -> Result<(), FrontsError> {
        let in_memory = self.addressing == Addressing::InMemory;
        let low_ports = match self.addressing {
            Addressing::AddressPerMachine(ports) | Addressing::ListenerPerMachine(ports) => {
                ports.http < PRIVILEGED
            }
            Addressing::PortPerMachine { .. } => false,
            Addressing::InMemory => true,
        };
        let usable = |stated: &Option<ModbusAddress>| {
            let stated = stated.as_ref()?;
            let mut at: SocketAddr = stated.address.parse().ok()?;
            let here = at.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST);
            let loopback =
                at.ip().is_loopback() && !matches!(self.addressing, Addressing::PortPerMachine { .. });
            if at.port() < PRIVILEGED && !low_ports {
                at.set_port(at.port() + RAISED_BY);
            }
            (in_memory || here || loopback).then_some((at, stated.unit))
        };
        let mut places: Vec<Option<(SocketAddr, u8)>> =
            site.meters.iter().map(|meter| usable(&meter.modbus)).collect();
        places.extend(site.switches.iter().map(|switch| usable(&switch.modbus)));
        let mut taken: BTreeSet<SocketAddr> = places.iter().flatten().map(|(at, _)| *at).collect();
        taken.extend(self.services.keys());
        let mut ports = FIRST_MODBUS_PORT..=u16::MAX;
        let mut lines: BTreeMap<SocketAddr, usize> = BTreeMap::new();
        for (place, stated) in places.into_iter().enumerate() {
            let (at, unit) = match stated {
                Some(stated) => stated,
                None => {
                    let free = ports.by_ref().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
                    let at = free.into_iter().find(|at| !taken.contains(at));
                    (at.ok_or(FrontsError::NoPortsLeft { machines: site.machines.len() })?, 1)
                }
            };
            let line = match lines.get(&at) {
                Some(line) => *line,
                None => {
                    self.lines.push(Line::new());
                    self.put(at, Service::Modbus(self.lines.len() - 1))?;
                    lines.insert(at, self.lines.len() - 1);
                    self.lines.len() - 1
                }
            };
            let device = self.lines[line].entry(unit).or_default();
            let address = ModbusAddress { address: at.to_string(), unit };
            let before = if place < site.meters.len() {
                self.meters.push(address);
                device.meter.replace(MeterIx(place as u32)).is_some()
            } else {
                self.switches.push(address);
                device.switch.replace(SwitchIx((place - site.meters.len()) as u32)).is_some()
            };
            if before {
                return Err(FrontsError::Twice(at));
            }
        }
        Ok(())
    }

    /// Writes the addresses into the site, so that whoever drives it finds the twin.
    ///
    /// # Panics
    /// If it was planned for another site.
    pub fn apply(&self, site: &mut Site) {
        assert_eq!(site.machines.len(), self.endpoints.len(), "a layout fits the site it was planned for");
        for (machine, endpoint) in site.machines.iter_mut().zip(&self.endpoints) {
            machine.endpoint = Some(*endpoint);
        }
        for (meter, address) in site.meters.iter_mut().zip(&self.meters) {
            meter.modbus = Some(address.clone());
        }
        for (switch, address) in site.switches.iter_mut().zip(&self.switches) {
            // The twin's switches are Modbus devices, whatever the site has.
            (switch.modbus, switch.snmp) = (Some(address.clone()), None);
        }
    }
    /// How machines are told apart.
    #[must_use]
    pub const fn addressing(&self) -> Addressing {
        self.addressing
    }
    /// Where each machine answers.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }
    /// Where each meter answers.
    #[must_use]
    pub fn meters(&self) -> &[ModbusAddress] {
        &self.meters
    }
    /// Where each switch answers.
    #[must_use]
    pub fn switches(&self) -> &[ModbusAddress] {
        &self.switches
    }
    /// The addresses to listen at; an unspecified one stands for all of the loopback network.
    pub(super) fn listeners(&self) -> BTreeSet<SocketAddr> {
        let wildcard = matches!(self.addressing, Addressing::AddressPerMachine(_));
        let place = |(at, service): (&SocketAddr, &Service)| match service {
            Service::Api(_) | Service::Web(_) if wildcard => {
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port()))
            }
            _ => *at,
        };
        self.services.iter().map(place).collect()
    }
}

fn by_port(site: &Site, first: u16) -> Result<Vec<Endpoint>, FrontsError> {
    let room = usize::from((u16::MAX - first) / 2);
    if site.machines.len() > room {
        return Err(FrontsError::NoPortsLeft { machines: site.machines.len() });
    }
    let endpoint = |place: usize| {
        let api_port = first + 2 * place as u16;
        Endpoint { ip: Ipv4Addr::LOCALHOST.into(), api_port, http_port: api_port + 1 }
    };
    Ok((0..site.machines.len()).map(endpoint).collect())
}

/// Keeps the site's addresses, on sockets only loopback ones; with these ports, or else the site's.
fn by_address(site: &Site, ports: Option<Ports>) -> Vec<Endpoint> {
    let usable = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ports.is_none() || (ip.is_loopback() && ip != Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => ports.is_none(),
    };
    let stated = |machine: &offpeak_site::Machine| machine.endpoint.filter(|at| usable(at.ip));
    let taken: BTreeSet<IpAddr> = site.machines.iter().filter_map(|m| stated(m).map(|at| at.ip)).collect();
    let mut next = u32::from(FIRST_ADDRESS);
    let mut free = || loop {
        let ip = Ipv4Addr::from(next);
        next += 1;
        // Addresses that end in .0 and .255 look like networks and broadcasts.
        if !matches!(ip.octets()[3], 0 | 255) && !taken.contains(&IpAddr::V4(ip)) {
            return IpAddr::V4(ip);
        }
    };
    site.machines
        .iter()
        .map(|machine| {
            let at = stated(machine).unwrap_or_else(|| Endpoint::standard(free()));
            // A family whose API has a port of its own keeps it.
            let own = site.model(machine.model).family.api_port();
            match ports {
                Some(ports) => {
                    let api_port = if own == Ports::STANDARD.api { ports.api } else { own };
                    Endpoint { ip: at.ip, api_port, http_port: ports.http }
                }
                None => at,
            }
        })
        .collect()
}
