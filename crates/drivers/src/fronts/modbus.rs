//! Meters and switches as Modbus TCP devices (Modbus Application Protocol V1.1b3 and Modbus
//! Messaging on TCP/IP V1.0b, 2006). A meter's registers stand where its register map, the client's own,
//! says; a meter in a gap answers nothing. A switch's coils are its channels; a set coil carries power.
//!
//! Not here: sockets (`listen`), what a switch cuts (the plant).

use std::time::Duration;

use offpeak_site::{MeterIx, Site, SwitchIx};
use offpeak_units::Energy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::layout::Device;
use super::talk::Duplex;
use super::{FrontsError, Shared};
use crate::modbus::{RegisterMap, Table};

/// A client that asks nothing for so long is let go.
const IDLE_MAX: Duration = Duration::from_secs(3_600);
/// The longest unit identifier and request (Modbus Application Protocol, 4.1).
const FRAME_MAX: u16 = 254;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;
/// No device of this unit.
const TARGET_SILENT: u8 = 11;

/// What the devices' registers and coils are.
#[derive(Debug)]
pub(super) struct Registers {
    /// By meter.
    maps: Vec<RegisterMap>,
    /// How many channels, by switch.
    channels: Vec<u16>,
}

impl Registers {
    pub(super) fn of(site: &Site) -> Result<Self, FrontsError> {
        let map = |meter: &offpeak_site::Meter| {
            RegisterMap::named(&meter.register_map)
                .map_err(|source| FrontsError::Map { meter: meter.id.clone(), source })
        };
        let maps = site.meters.iter().map(map).collect::<Result<_, _>>()?;
        let mut channels = vec![0_u16; site.switches.len()];
        let outlets = site.machines.iter().filter_map(|machine| machine.outlet);
        let outlets = outlets.map(|outlet| (outlet.switch, outlet.channel));
        // A switch in a circuit's feed cuts it by its first channel.
        let feeds = site.circuits.iter().filter_map(|(_, circuit)| Some((circuit.switch?, 0)));
        let fans = site.fans.iter().flat_map(offpeak_site::Fans::contactors);
        let fans = fans.map(|contactor| (contactor.switch, contactor.channel));
        for (SwitchIx(place), channel) in outlets.chain(feeds).chain(fans) {
            let known = &mut channels[place as usize];
            *known = (*known).max(channel.saturating_add(1));
        }
        Ok(Self { maps, channels })
    }
}

/// What comes of a request: a reply, an exception, or silence.
enum Answer {
    Reply(Vec<u8>),
    Exception(u8),
    Silence,
}

const fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

impl Shared {
    /// Serves a connection to the devices of one address.
    pub(super) async fn serve_modbus<S: Duplex>(&self, line: usize, mut stream: S) {
        while let Ok(Some(())) = timeout(IDLE_MAX, self.one_request(line, &mut stream)).await {}
    }

    /// `None` when the connection is to be closed.
    async fn one_request<S: Duplex>(&self, line: usize, stream: &mut S) -> Option<()> {
        let mut head = [0; 7];
        stream.read_exact(&mut head).await.ok()?;
        let (protocol, length, unit) = (word(&head, 2), word(&head, 4), head[6]);
        if protocol != 0 || !(2..=FRAME_MAX).contains(&length) {
            return None;
        }
        let mut request = vec![0; usize::from(length) - 1];
        stream.read_exact(&mut request).await.ok()?;
        let pdu = match self.answer_modbus(line, unit, &request) {
            Answer::Reply(pdu) => pdu,
            Answer::Exception(code) => vec![request[0] | 0x80, code],
            Answer::Silence => return Some(()),
        };
        let length = u16::try_from(pdu.len() + 1).expect("a reply fits a frame").to_be_bytes();
        let frame = [&head[..4], &length, &[unit], &pdu].concat();
        stream.write_all(&frame).await.ok()
    }

    fn answer_modbus(&self, line: usize, unit: u8, request: &[u8]) -> Answer {
        // A TCP device may be addressed as itself: 0 and 255 mean the only one there is.
        let devices = &self.layout.lines[line];
        let only = (devices.len() == 1 && matches!(unit, 0 | 255)).then(|| devices.values().next()).flatten();
        let Some(&Device { meter, switch }) = devices.get(&unit).or(only) else {
            return Answer::Exception(TARGET_SILENT);
        };
        match request[0] {
            1 | 3 | 4 | 5 if request.len() != 5 => Answer::Exception(ILLEGAL_VALUE),
            function @ (3 | 4) => match meter {
                Some(meter) => self.read_registers(meter, function, word(request, 1), word(request, 3)),
                None => Answer::Exception(ILLEGAL_ADDRESS),
            },
            1 => match switch {
                Some(switch) => self.read_coils(switch, word(request, 1), word(request, 3)),
                None => Answer::Exception(ILLEGAL_ADDRESS),
            },
            5 => match (switch, word(request, 3)) {
                (Some(switch), value @ (0xFF00 | 0)) => {
                    self.write_coils(switch, word(request, 1), &[value != 0], request.to_vec())
                }
                (Some(_), _) => Answer::Exception(ILLEGAL_VALUE),
                (None, _) => Answer::Exception(ILLEGAL_ADDRESS),
            },
            15 => self.write_many(switch, request),
            _ => Answer::Exception(ILLEGAL_FUNCTION),
        }
    }

    fn read_registers(&self, meter: MeterIx, function: u8, first: u16, count: u16) -> Answer {
        let map = &self.registers.maps[meter.ix()];
        if (function == 4) != (map.table() == Table::Input) {
            return Answer::Exception(ILLEGAL_FUNCTION);
        }
        if !(1..=125).contains(&count) {
            return Answer::Exception(ILLEGAL_VALUE);
        }
        let (start, length) = map.span();
        let asked = u32::from(first)..u32::from(first) + u32::from(count);
        if first < start || asked.end > u32::from(start) + u32::from(length) {
            return Answer::Exception(ILLEGAL_ADDRESS);
        }
        let Some(reading) = self.at_now(|state| state.plant.meter(meter)) else {
            return Answer::Silence;
        };
        let words = map.encode(reading.power, reading.energy.unwrap_or(Energy::from_watt_hours(0)));
        let from = usize::from(first - start);
        let words = &words[from..from + usize::from(count)];
        let mut pdu = vec![function, 2 * count as u8];
        pdu.extend(words.iter().flat_map(|word| word.to_be_bytes()));
        Answer::Reply(pdu)
    }

    /// Whether a switch has these channels.
    fn has(&self, switch: SwitchIx, first: u16, count: u16) -> bool {
        let channels = self.registers.channels[switch.ix()];
        u32::from(first) + u32::from(count) <= u32::from(channels)
    }

    fn read_coils(&self, switch: SwitchIx, first: u16, count: u16) -> Answer {
        if !(1..=2_000).contains(&count) {
            return Answer::Exception(ILLEGAL_VALUE);
        }
        if !self.has(switch, first, count) {
            return Answer::Exception(ILLEGAL_ADDRESS);
        }
        let mut bytes = vec![0; usize::from(count).div_ceil(8)];
        self.at_now(|state| {
            for place in 0..count {
                let closed = state.plant.switch_state(switch, first + place);
                bytes[usize::from(place) / 8] |= u8::from(closed) << (place % 8);
            }
        });
        Answer::Reply([vec![1, bytes.len() as u8], bytes].concat())
    }

    fn write_coils(&self, switch: SwitchIx, first: u16, states: &[bool], reply: Vec<u8>) -> Answer {
        if !self.has(switch, first, states.len() as u16) {
            return Answer::Exception(ILLEGAL_ADDRESS);
        }
        self.at_now(|state| {
            for (channel, closed) in (first..).zip(states) {
                state.plant.switch(switch, channel, *closed);
            }
        });
        Answer::Reply(reply)
    }

    fn write_many(&self, switch: Option<SwitchIx>, request: &[u8]) -> Answer {
        if request.len() < 6 {
            return Answer::Exception(ILLEGAL_VALUE);
        }
        let (first, count, bytes) = (word(request, 1), word(request, 3), &request[6..]);
        let fits = (1..=1_968).contains(&count)
            && usize::from(request[5]) == bytes.len()
            && bytes.len() == usize::from(count).div_ceil(8);
        if !fits {
            return Answer::Exception(ILLEGAL_VALUE);
        }
        let Some(switch) = switch else { return Answer::Exception(ILLEGAL_ADDRESS) };
        let states: Vec<bool> =
            (0..usize::from(count)).map(|place| bytes[place / 8] >> (place % 8) & 1 == 1).collect();
        self.write_coils(switch, first, &states, request[..5].to_vec())
    }
}
